using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>A person's session in one browser. Its id is what grants are bound to; its key is the digest of the cookie of the moment.</summary>
internal sealed record BrowserSession(
    byte[] Id, byte[] Key, string Subject, string Name, long Epoch, DateTimeOffset AuthTime, string Amr, DateTimeOffset ExpiresAt, DateTimeOffset LastSeenAt)
{
    /// <summary>How far the way of signing in can be trusted, by its name.</summary>
    public string? Acr { get; init; }

    /// <summary>The registration of the client that was asked for with the session, if there is such a client.</summary>
    public long? ClientVersion { get; init; }

    /// <summary>The person's e-mail address, by which a hint may mean them.</summary>
    public string? Email { get; init; }

    /// <summary>A session as tokens name it (<c>sid</c>). The id is no secret: the cookie is another value.</summary>
    public static string NameOf(byte[] id) => Base64UrlText.Encode(id);
}

/// <summary>The browser sessions. A row holds the digest of the cookie: whoever reads the table cannot sign in with it.</summary>
internal sealed class SessionStore(Database database, LogoutOutbox outbox, ServerOptions options)
{
    public static byte[] KeyOf(string cookie) => Secret.Digest(cookie)[..16];

    /// <summary>Finds a session that has not ended, of an account that still stands at the same epoch. It may be idle (<see cref="IsIdle"/>): its grants live all the same.</summary>
    public ValueTask<BrowserSession?> FindAsync(byte[] key, DateTimeOffset now, CancellationToken cancellation) => database.FindAsync(
        $"""
        select s.id, s.key, s.subject, a.name, s.epoch, s.auth_time, s.amr, s.expires_at, s.last_seen_at, s.acr, a.email
        from session s join account a on a.subject = s.subject and a.epoch = s.epoch and a.disabled_at is null and a.removed_at is null
        where s.key = {key} and s.ended_at is null and s.expires_at > {now.ToUnixTimeMilliseconds()}
        """, Read, cancellation);

    /// <summary>The same, and in one query the registration of a client beside it.</summary>
    public ValueTask<BrowserSession?> FindWithClientAsync(byte[] key, string clientId, DateTimeOffset now, CancellationToken cancellation) => database.FindAsync(
        $"""
        select s.id, s.key, s.subject, a.name, s.epoch, s.auth_time, s.amr, s.expires_at, s.last_seen_at, s.acr, a.email, c.version
        from session s join account a on a.subject = s.subject and a.epoch = s.epoch and a.disabled_at is null and a.removed_at is null
            join client c on c.id = {clientId} and c.removed_at is null
        where s.key = {key} and s.ended_at is null and s.expires_at > {now.ToUnixTimeMilliseconds()}
        """, reader => Read(reader) with { ClientVersion = reader.GetInt64(11) }, cancellation);

    /// <summary>Whether nobody used a session for so long that its person has to sign in again.</summary>
    public bool IsIdle(BrowserSession session, DateTimeOffset now) => session.LastSeenAt + options.SessionIdleLifetime <= now;

    /// <summary>Notes that a session was used.</summary>
    public async ValueTask SeenAsync(byte[] id, DateTimeOffset lastSeenAt, DateTimeOffset now)
    {
        // Not each time: a row that is read often is written seldom.
        if (lastSeenAt + (options.SessionIdleLifetime / 20) <= now)
            await database.WriteAsync($"update session set last_seen_at = {now.ToUnixTimeMilliseconds()} where id = {id}");
    }

    public async ValueTask AddAsync(BrowserSession session, AuditEvent? audited = null) => await database.WriteAsync(
        $"""
        insert into session (id, key, subject, epoch, auth_time, amr, acr, expires_at, last_seen_at)
        values ({session.Id}, {session.Key}, {session.Subject}, {session.Epoch}, {session.AuthTime.ToUnixTimeMilliseconds()}, {session.Amr}, {session.Acr},
            {session.ExpiresAt.ToUnixTimeMilliseconds()}, {session.LastSeenAt.ToUnixTimeMilliseconds()})
        """, audited is null ? null : AuditTrail.Entry(audited, session.AuthTime));

    /// <summary>
    /// Goes on with a session after the same person signed in again: the old cookie is dead, and what was granted in the session lives.
    /// </summary>
    /// <returns>Whether there was such a session.</returns>
    public async ValueTask<bool> RenewAsync(byte[] oldKey, BrowserSession session) => await database.WriteAsync(
        $"""
        update session set key = {session.Key}, auth_time = {session.AuthTime.ToUnixTimeMilliseconds()}, amr = {session.Amr}, acr = {session.Acr},
            expires_at = {session.ExpiresAt.ToUnixTimeMilliseconds()}, last_seen_at = {session.LastSeenAt.ToUnixTimeMilliseconds()}
        where key = {oldKey} and subject = {session.Subject} and epoch = {session.Epoch} and ended_at is null and expires_at > {session.LastSeenAt.ToUnixTimeMilliseconds()}
        """) == 1;

    /// <summary>
    /// Ends a session, and writes down which clients have to hear of it, in one transaction. Grants without <c>offline_access</c> end with it,
    /// since they ask for it each time (OpenID Connect Back-Channel Logout section 2.7).
    /// </summary>
    /// <returns>Whether there was one to end.</returns>
    public async ValueTask<bool> EndAsync(byte[] key, DateTimeOffset now)
    {
        var ended = 0;
        await database.InTransactionAsync(async connection =>
        {
            byte[]? id = null;
            await using (var reader = await connection.Prepare($"update session set ended_at = {now.ToUnixTimeMilliseconds()} where key = {key} and ended_at is null returning id").ExecuteReaderAsync())
                if (await reader.ReadAsync()) id = reader.GetFieldValue<byte[]>(0);
            ended = id is null ? 0 : 1;
            // The row is ours now: a code that is redeemed beside us waits and finds the session ended, or its grant is found here.
            if (id is not null) await LogoutOutbox.AddForSessionAsync(connection, id, now);
        }, CancellationToken.None);
        if (ended == 1) outbox.Announce();
        return ended == 1;
    }

    private static BrowserSession Read(DbDataReader reader) => new(
        reader.GetFieldValue<byte[]>(0),
        reader.GetFieldValue<byte[]>(1),
        reader.GetString(2),
        reader.GetString(3),
        reader.GetInt64(4),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5)),
        reader.GetString(6),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(7)),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(8)))
    {
        Acr = reader.IsDBNull(9) ? null : reader.GetString(9),
        Email = reader.IsDBNull(10) ? null : reader.GetString(10),
    };
}
