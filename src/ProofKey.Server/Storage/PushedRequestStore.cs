using System.Diagnostics.CodeAnalysis;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Storage;

/// <summary>An authorization request that waits here while an address carries its reference alone (RFC 9126).</summary>
internal sealed record PushedRequest
{
    /// <summary>What every reference of ours starts with (RFC 9126 section 2.2).</summary>
    public const string ReferencePrefix = "urn:ietf:params:oauth:request_uri:";

    /// <summary>The most characters of a request as a query: anybody may send one, and each stays for an hour.</summary>
    public const int MaxLength = 8 * 1024;

    /// <summary>What is said of a longer one.</summary>
    public static readonly OAuthError TooLong = OAuthError.InvalidRequest("The parameters are longer than 8 KiB in all; send fewer or shorter ones.");

    /// <summary>How long a request stays behind its end: a page that is open since before may still bring it back.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    /// <summary>The value of <c>request_uri</c>.</summary>
    public required string Reference { get; init; }

    public required string ClientId { get; init; }

    public required Parameters Parameters { get; init; }

    /// <summary>Until when the reference must first come to the authorization endpoint.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>The key of its row, from which nobody can tell the reference.</summary>
    public byte[] Id => IdOf(Reference);

    /// <summary>What stands for the request in an address (RFC 9126 section 4).</summary>
    public Parameters Query => Parameters.Of(new("client_id", ClientId), new("request_uri", Reference));

    /// <summary>Draws a reference that nobody guesses (RFC 9126 section 7.1).</summary>
    public static string NewReference() => ReferencePrefix + Secret.NewText();

    public static bool IsReference([NotNullWhen(true)] string? requestUri) => requestUri?.StartsWith(ReferencePrefix, StringComparison.Ordinal) == true;

    /// <summary>What it takes to keep it, in characters.</summary>
    public int Length => Parameters.ToQuery().Length;

    public static bool HasRoomFor(Parameters parameters) => parameters.ToQuery().Length <= MaxLength;

    public static byte[] IdOf(string reference) => Secret.Digest(reference)[..16];

    /// <summary>Names the type alone: what was pushed never reaches a log by being printed.</summary>
    public override string ToString() => nameof(PushedRequest);
}

/// <summary>
/// The pushed requests. The table alone shows and forges none: a row is found by the digest of its reference, and its parameters are
/// sealed for that row and that client.
/// </summary>
internal sealed class PushedRequestStore(Database database, KeyRing keys)
{
    public async ValueTask AddAsync(PushedRequest request, DateTimeOffset now) => await database.WriteAsync(
        $"""
        insert into pushed_request (id, client_id, parameters, created_at, expires_at, used_at)
        values ({request.Id}, {request.ClientId}, {Seal(request.Id, request.ClientId, request.Parameters)}, {now.ToUnixTimeMilliseconds()},
            {request.ExpiresAt.ToUnixTimeMilliseconds()}, {(long?)null})
        """);

    /// <summary>The request of a reference, if it is this client's and no code was issued for it yet.</summary>
    // RFC 9126 section 2.2: a reference is bound to the client that pushed it
    public ValueTask<PushedRequest?> FindAsync(string reference, string clientId, CancellationToken cancellation)
    {
        var id = PushedRequest.IdOf(reference);
        return database.FindAsync(
            $"select parameters, expires_at from pushed_request where id = {id} and client_id = {clientId} and used_at is null",
            reader => Open(id, clientId, reader.GetFieldValue<byte[]>(0)) is { } parameters
                ? new PushedRequest
                {
                    Reference = reference,
                    ClientId = clientId,
                    Parameters = parameters,
                    ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(1)),
                }
                : null!,
            cancellation);
    }

    /// <summary>Uses a request up: one caller wins.</summary>
    /// <param name="request">The request.</param>
    /// <param name="code">The code that is issued for it.</param>
    /// <param name="kept">What the code has no room for, to be kept in place of the request as long as the code lives.</param>
    /// <param name="now">The time.</param>
    /// <returns>Whether this caller won.</returns>
    // RFC 9126 section 7.3: a reference is good for one code
    public async ValueTask<bool> UseAsync(PushedRequest request, AuthorizationCode code, Parameters kept, DateTimeOffset now)
    {
        var until = code.ExpiresAt.ToUnixTimeMilliseconds();
        return await database.WriteAsync(
            $"""
            update pushed_request set used_at = {now.ToUnixTimeMilliseconds()}, parameters = {Seal(request.Id, request.ClientId, kept)},
                expires_at = case when expires_at < {until} then {until} else expires_at end
            where id = {request.Id} and client_id = {request.ClientId} and used_at is null
            """) == 1;
    }

    /// <summary>Keeps what a code has no room for, when its request has no row.</summary>
    public async ValueTask KeepAsync(AuthorizationCode code, Parameters kept, DateTimeOffset now) => await database.WriteAsync(
        $"""
        insert into pushed_request (id, client_id, parameters, created_at, expires_at, used_at)
        values ({code.KeptIn}, {code.ClientId}, {Seal(code.KeptIn!, code.ClientId, kept)}, {now.ToUnixTimeMilliseconds()},
            {code.ExpiresAt.ToUnixTimeMilliseconds()}, {now.ToUnixTimeMilliseconds()})
        """);

    /// <summary>What a code had no room for.</summary>
    public ValueTask<Parameters?> FindKeptAsync(AuthorizationCode code, CancellationToken cancellation) => database.FindAsync(
        $"select parameters from pushed_request where id = {code.KeptIn} and client_id = {code.ClientId} and used_at is not null",
        reader => Open(code.KeptIn!, code.ClientId, reader.GetFieldValue<byte[]>(0))!, cancellation);

    private byte[] Seal(byte[] id, string clientId, Parameters parameters)
    {
        var value = new SealedPayload();
        value.Write(id);
        value.Write(clientId);
        value.Write(parameters.ToQuery());
        return keys.Seal(SealPurpose.PushedRequest, value.Written);
    }

    // A row that was changed or moved by hand does not open, and counts as none.
    private Parameters? Open(byte[] id, string clientId, byte[] sealedParameters)
    {
        if (keys.Open(SealPurpose.PushedRequest, sealedParameters) is not { } opened) return null;
        var value = new SealedPayload(opened);
        var belongs = Secret.AreEqual(value.ReadBytes(), id) && value.ReadText() == clientId;
        return belongs && Parameters.TryParse(value.ReadText(), out var parameters, out _) ? parameters : null;
    }
}
