using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Data.Common;
using ProofKey.Jose;

namespace ProofKey.Server.Storage;

/// <summary>The registered clients. A removed one stays as a tombstone, so that its grants stay dead.</summary>
internal sealed class ClientStore(Database database, TimeProvider time)
{
    /// <summary>The most that are remembered; a server for more clients reads the others each time.</summary>
    private const int MaxRemembered = 1000;

    private readonly ConcurrentDictionary<string, RegisteredClient> _remembered = new(StringComparer.Ordinal);

    private static readonly SqlPart Columns = new(
        "id, name, secret_digest, redirect_uris, post_logout_redirect_uris, origins, scope, audience, response_modes, id_token_algorithm, first_party, strict, created_at, "
        + "grant_types, jwks, jwks_uri, requires_par, dpop_bound, introspects, backchannel_logout_uri");

    public async ValueTask<RegisteredClient?> FindAsync(string id, CancellationToken cancellation)
    {
        var client = await database.FindAsync($"select {Columns}, version from client where id = {id} and removed_at is null", Read, cancellation);
        if (client is null) _remembered.TryRemove(id, out _);
        else Remember(client);
        return client;
    }

    // One that was removed is asked for no more, so it would keep its place for ever: any of them makes room.
    private void Remember(RegisteredClient client)
    {
        if (!_remembered.ContainsKey(client.Id) && _remembered.Count >= MaxRemembered && _remembered.FirstOrDefault().Key is { } any) _remembered.TryRemove(any, out _);
        _remembered[client.Id] = client;
    }

    /// <summary>
    /// The client as it was when it was last read here. It may have changed or gone: nobody is refused by it, and whoever is let through is let
    /// through by a statement that finds its <see cref="RegisteredClient.Version"/> in the row.
    /// </summary>
    public RegisteredClient? Recall(string id) => _remembered.GetValueOrDefault(id);

    public ValueTask<List<RegisteredClient>> ListAsync(CancellationToken cancellation) =>
        database.ListAsync($"select {Columns}, version from client where removed_at is null order by created_at, id", Read, cancellation);

    public Task AddAsync(RegisteredClient client, AuditEvent audited) => database.InTransactionAsync(
        async connection =>
        {
            await connection.ExecuteAsync(AuditTrail.Entry(audited, time.GetUtcNow()), CancellationToken.None);
            await connection.ExecuteAsync(Insert(client), CancellationToken.None);
            await AddOriginsAsync(connection, client);
        }, CancellationToken.None);

    /// <summary>Replaces what is said of a client, if that is still what was read: <see cref="RegisteredClient.Version"/> says so.</summary>
    /// <returns>Whether it was.</returns>
    public async Task<bool> UpdateAsync(RegisteredClient client, AuditEvent audited)
    {
        var isUpdated = false;
        await database.InTransactionAsync(
            async connection =>
            {
                isUpdated = await connection.ExecuteAsync(Update(client), CancellationToken.None) == 1;
                if (!isUpdated) return;
                await connection.ExecuteAsync(AuditTrail.Entry(audited, time.GetUtcNow()), CancellationToken.None);
                await connection.ExecuteAsync((Sql)$"delete from client_origin where client_id = {client.Id}", CancellationToken.None);
                await AddOriginsAsync(connection, client);
            }, CancellationToken.None);
        return isUpdated;
    }

    private static async Task AddOriginsAsync(DatabaseConnection connection, RegisteredClient client)
    {
        foreach (var origin in client.AllOrigins)
            await connection.ExecuteAsync($"insert into client_origin (origin, client_id) values ({origin}, {client.Id}) on conflict do nothing", CancellationToken.None);
    }

    private static Sql Update(RegisteredClient client) =>
        $"""
        update client set name = {client.Name}, secret_digest = {client.SecretDigest}, redirect_uris = {Lines(client.RedirectUris.Select(uri => uri.Value))},
            post_logout_redirect_uris = {Lines(client.PostLogoutRedirectUris)}, origins = {Lines(client.Origins)}, scope = {client.Scope.ToString()}, audience = {client.Audience},
            response_modes = {Lines(client.ResponseModes)}, id_token_algorithm = {client.IdTokenAlgorithm.Name}, first_party = {client.IsFirstParty}, strict = {client.IsStrict},
            grant_types = {string.Join(' ', client.GrantTypes)}, jwks = {client.Jwks}, jwks_uri = {client.JwksUri}, requires_par = {client.RequiresPushedRequests},
            dpop_bound = {client.RequiresDpop}, introspects = {client.Introspects}, backchannel_logout_uri = {client.BackchannelLogoutUri}, version = {NewVersion()}
        where id = {client.Id} and removed_at is null and version = {client.Version}
        """;

    // Random, and not the next number: a database that was put back from a backup would come by the same numbers again.
    private static long NewVersion() => BinaryPrimitives.ReadInt64LittleEndian(Secret.NewBytes(sizeof(long)));

    private static Sql Insert(RegisteredClient client) =>
        $"""
        insert into client ({Columns})
        values ({client.Id}, {client.Name}, {client.SecretDigest}, {Lines(client.RedirectUris.Select(uri => uri.Value))}, {Lines(client.PostLogoutRedirectUris)},
            {Lines(client.Origins)}, {client.Scope.ToString()}, {client.Audience}, {Lines(client.ResponseModes)}, {client.IdTokenAlgorithm.Name},
            {client.IsFirstParty}, {client.IsStrict}, {client.CreatedAt.ToUnixTimeMilliseconds()},
            {string.Join(' ', client.GrantTypes)}, {client.Jwks}, {client.JwksUri}, {client.RequiresPushedRequests}, {client.RequiresDpop}, {client.Introspects}, {client.BackchannelLogoutUri})
        """;

    public async ValueTask<bool> RemoveAsync(string id, AuditEvent audited) => await database.WriteAsync(
        $"update client set removed_at = {time.GetUtcNow().ToUnixTimeMilliseconds()} where id = {id} and removed_at is null", AuditTrail.Entry(audited, time.GetUtcNow())) == 1;

    /// <summary>Whether a page of this origin belongs to a client.</summary>
    /// <param name="origin">The origin as the browser sent it.</param>
    /// <param name="loopback">The same without its port, if it is one of a loopback address.</param>
    /// <param name="cancellation">Ends with the request.</param>
    public async ValueTask<bool> AllowsOriginAsync(string origin, string? loopback, CancellationToken cancellation) => await database.FindAsync(
        $"select c.id from client_origin o join client c on c.id = o.client_id and c.removed_at is null where o.origin in ({origin}, {(loopback is null ? origin : AnyPort(loopback))}) limit 1",
        reader => reader.GetString(0), cancellation) is not null;

    /// <summary>How a loopback origin of any port is written down.</summary>
    public static string AnyPort(string loopback) => loopback + ":*";

    private static RegisteredClient Read(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        Name = reader.GetString(1),
        SecretDigest = reader.IsDBNull(2) ? null : reader.GetFieldValue<byte[]>(2),
        RedirectUriTexts = Split(reader.GetString(3)),
        PostLogoutRedirectUris = Split(reader.GetString(4)),
        Origins = Split(reader.GetString(5)),
        Scope = Scope.Parse(reader.GetString(6)),
        Audience = reader.IsDBNull(7) ? null : reader.GetString(7),
        ResponseModes = Split(reader.GetString(8)),
        IdTokenAlgorithm = SignatureAlgorithm.TryParse(reader.GetString(9), out var algorithm) ? algorithm : SignatureAlgorithm.ES256,
        IsFirstParty = reader.GetInt64(10) != 0,
        IsStrict = reader.GetInt64(11) != 0,
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(12)),
        GrantTypes = reader.GetString(13).Split(' ', StringSplitOptions.RemoveEmptyEntries),
        Jwks = reader.IsDBNull(14) ? null : reader.GetString(14),
        JwksUri = reader.IsDBNull(15) ? null : reader.GetString(15),
        RequiresPushedRequests = reader.GetInt64(16) != 0,
        RequiresDpop = reader.GetInt64(17) != 0,
        Introspects = reader.IsDBNull(18) ? null : reader.GetString(18),
        BackchannelLogoutUri = reader.IsDBNull(19) ? null : reader.GetString(19),
        Version = reader.GetInt64(20),
    };

    // One value a line: none of these values can hold a line break.
    private static string Lines(IEnumerable<string> values) => string.Join('\n', values);

    private static string[] Split(string lines) => lines.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
