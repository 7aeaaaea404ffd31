using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>A person's session in one browser, as it was found under a cookie.</summary>
internal sealed record BrowserSession(byte[] Key, string Subject, string Name, long Epoch, DateTimeOffset AuthTime, string Amr, DateTimeOffset ExpiresAt, DateTimeOffset LastSeenAt);

/// <summary>The browser sessions. A row's key is the digest of the cookie: whoever reads the table cannot sign in with it.</summary>
internal sealed class SessionStore(Database database, ServerOptions options)
{
    /// <summary>How old the last-seen time may grow before it is written again.</summary>
    private static readonly TimeSpan SeenResolution = TimeSpan.FromMinutes(5);

    public static byte[] KeyOf(string cookie) => Secret.Digest(cookie)[..16];

    /// <summary>Finds a live session of an account that still stands at the same epoch.</summary>
    public async ValueTask<BrowserSession?> FindAsync(byte[] key, DateTimeOffset now, CancellationToken cancellation)
    {
        var session = await database.FindAsync(
            $"""
            select s.key, s.subject, a.name, s.epoch, s.auth_time, s.amr, s.expires_at, s.last_seen_at
            from session s join account a on a.subject = s.subject and a.epoch = s.epoch and a.disabled_at is null and a.removed_at is null
            where s.key = {key} and s.ended_at is null and s.expires_at > {now.ToUnixTimeMilliseconds()}
            """, Read, cancellation);
        if (session is null || session.LastSeenAt + options.SessionIdleLifetime <= now) return null;
        if (session.LastSeenAt + SeenResolution <= now)
            await database.WriteAsync($"update session set last_seen_at = {now.ToUnixTimeMilliseconds()} where key = {key}");
        return session;
    }

    public async ValueTask AddAsync(BrowserSession session) => await database.WriteAsync(
        $"""
        insert into session (key, subject, epoch, auth_time, amr, expires_at, last_seen_at)
        values ({session.Key}, {session.Subject}, {session.Epoch}, {session.AuthTime.ToUnixTimeMilliseconds()}, {session.Amr},
            {session.ExpiresAt.ToUnixTimeMilliseconds()}, {session.LastSeenAt.ToUnixTimeMilliseconds()})
        """);

    public async ValueTask EndAsync(byte[] key, DateTimeOffset now) =>
        await database.WriteAsync($"update session set ended_at = {now.ToUnixTimeMilliseconds()} where key = {key} and ended_at is null");

    private static BrowserSession Read(DbDataReader reader) => new(
        reader.GetFieldValue<byte[]>(0),
        reader.GetString(1),
        reader.GetString(2),
        reader.GetInt64(3),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)),
        reader.GetString(5),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(6)),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(7)));
}
