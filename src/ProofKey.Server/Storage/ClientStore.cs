using System.Data.Common;
using ProofKey.Jose;

namespace ProofKey.Server.Storage;

/// <summary>The registered clients. A removed one stays as a tombstone, so that its grants stay dead.</summary>
internal sealed class ClientStore(Database database, TimeProvider time)
{
    private static readonly SqlPart Columns = new(
        "id, name, secret_digest, redirect_uris, post_logout_redirect_uris, origins, scope, audience, response_modes, id_token_algorithm, first_party, strict, created_at");

    public ValueTask<RegisteredClient?> FindAsync(string id, CancellationToken cancellation) =>
        database.FindAsync($"select {Columns} from client where id = {id} and removed_at is null", Read, cancellation);

    public ValueTask<List<RegisteredClient>> ListAsync(CancellationToken cancellation) =>
        database.ListAsync($"select {Columns} from client where removed_at is null order by created_at, id", Read, cancellation);

    public async ValueTask AddAsync(RegisteredClient client) => await database.WriteAsync(
        $"""
        insert into client ({Columns})
        values ({client.Id}, {client.Name}, {client.SecretDigest}, {Lines(client.RedirectUris.Select(uri => uri.Value))}, {Lines(client.PostLogoutRedirectUris)},
            {Lines(client.Origins)}, {client.Scope.ToString()}, {client.Audience}, {Lines(client.ResponseModes)}, {client.IdTokenAlgorithm.Name},
            {client.IsFirstParty}, {client.IsStrict}, {client.CreatedAt.ToUnixTimeMilliseconds()})
        """);

    public async ValueTask<bool> RemoveAsync(string id) =>
        await database.WriteAsync($"update client set removed_at = {time.GetUtcNow().ToUnixTimeMilliseconds()} where id = {id} and removed_at is null") == 1;

    /// <summary>Whether a page of this origin belongs to a client.</summary>
    public async ValueTask<bool> AllowsOriginAsync(string origin, CancellationToken cancellation)
    {
        var line = $"\n{origin}\n";
        return await database.FindAsync(
            $"select id from client where removed_at is null and replace(origins, {line}, '') <> origins limit 1", reader => reader.GetString(0), cancellation) is not null;
    }

    private static RegisteredClient Read(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        Name = reader.GetString(1),
        SecretDigest = reader.IsDBNull(2) ? null : reader.GetFieldValue<byte[]>(2),
        RedirectUris = [.. Split(reader.GetString(3)).Select(RedirectUri.Parse)],
        PostLogoutRedirectUris = Split(reader.GetString(4)),
        Origins = Split(reader.GetString(5)),
        Scope = Scope.Parse(reader.GetString(6)),
        Audience = reader.IsDBNull(7) ? null : reader.GetString(7),
        ResponseModes = Split(reader.GetString(8)),
        IdTokenAlgorithm = SignatureAlgorithm.TryParse(reader.GetString(9), out var algorithm) ? algorithm : SignatureAlgorithm.ES256,
        IsFirstParty = reader.GetInt64(10) != 0,
        IsStrict = reader.GetInt64(11) != 0,
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(12)),
    };

    // One value a line, with a line break on either side, so that a whole value can be searched for.
    private static string Lines(IEnumerable<string> values) => string.Concat(values.Select(value => value + "\n")) is { Length: > 0 } lines ? "\n" + lines : "";

    private static string[] Split(string lines) => lines.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
