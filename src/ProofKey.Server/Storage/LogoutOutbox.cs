using System.Data.Common;
using System.Threading.Channels;

namespace ProofKey.Server.Storage;

/// <summary>A client that has to hear that a session ended.</summary>
internal sealed record OwedLogout(byte[] Id, string ClientId, string Subject, byte[] SessionId, DateTimeOffset CreatedAt, DateTimeOffset NextTryAt, long Tries);

/// <summary>
/// Who has to hear of ended sessions. A row is written in the transaction that ends the session, so neither is there without the other,
/// whatever happens in between; and a row that several replicas see is taken by one.
/// </summary>
internal sealed class LogoutOutbox(Database database)
{
    /// <summary>How long a client that does not answer is tried.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromDays(1);

    private readonly Channel<bool> _added = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Has something to read when rows were added in this process.</summary>
    public ChannelReader<bool> Added => _added.Reader;

    /// <summary>Says, after the commit, that rows were added.</summary>
    public void Announce() => _added.Writer.TryWrite(true);

    /// <summary>Adds what one session owes, inside the transaction that ends it.</summary>
    public static Task AddForSessionAsync(DatabaseConnection connection, byte[] sessionId, DateTimeOffset now) => AddAsync(
        connection, $"select distinct client_id, subject, session_id from authorization_grant where session_id = {sessionId} and notify = 1", now);

    /// <summary>Adds what all living sessions of an account owe, inside the transaction that ends them, before its epoch is raised.</summary>
    public static Task AddForAccountAsync(DatabaseConnection connection, string subject, DateTimeOffset now) => AddAsync(
        connection,
        $"""
        select distinct g.client_id, g.subject, g.session_id
        from authorization_grant g join session s on s.id = g.session_id join account a on a.subject = s.subject and a.epoch = s.epoch
        where g.subject = {subject} and g.notify = 1 and s.ended_at is null and s.expires_at > {now.ToUnixTimeMilliseconds()}
        """, now);

    /// <summary>Adds what all living sessions owe, inside the transaction that ends them.</summary>
    public static Task AddForAllAsync(DatabaseConnection connection, DateTimeOffset now) => AddAsync(
        connection,
        $"""
        select distinct g.client_id, g.subject, g.session_id
        from authorization_grant g join session s on s.id = g.session_id join account a on a.subject = s.subject and a.epoch = s.epoch
        where g.notify = 1 and s.ended_at is null and s.expires_at > {now.ToUnixTimeMilliseconds()}
        """, now);

    /// <summary>The clients for which something is due.</summary>
    public ValueTask<List<string>> ListDueClientsAsync(DateTimeOffset now, CancellationToken cancellation) => database.ListAsync(
        $"select distinct client_id from logout_outbox where next_try_at <= {now.ToUnixTimeMilliseconds()}", reader => reader.GetString(0), cancellation);

    /// <summary>Some rows of a client that are due, the oldest first.</summary>
    public ValueTask<List<OwedLogout>> ListDueAsync(string clientId, DateTimeOffset now, CancellationToken cancellation) => database.ListAsync(
        $"""
        select id, client_id, subject, session_id, created_at, next_try_at, tries from logout_outbox
        where client_id = {clientId} and next_try_at <= {now.ToUnixTimeMilliseconds()} order by next_try_at limit 20
        """, Read, cancellation);

    /// <summary>Whether a client is owed something that it did not take.</summary>
    public async ValueTask<bool> HasFailedAsync(string clientId, CancellationToken cancellation) =>
        await database.FindAsync($"select client_id from logout_outbox where client_id = {clientId} and tries > 0 limit 1", reader => reader.GetString(0), cancellation) is not null;

    /// <summary>Takes a row: of several replicas that see it, one gets it. If that one dies, the row is due again at the given time.</summary>
    public async ValueTask<bool> TakeAsync(OwedLogout owed, DateTimeOffset nextTryAt) => await database.WriteAsync(
        $"""
        update logout_outbox set next_try_at = {nextTryAt.ToUnixTimeMilliseconds()}, tries = tries + 1
        where id = {owed.Id} and next_try_at = {owed.NextTryAt.ToUnixTimeMilliseconds()}
        """) == 1;

    public async ValueTask RemoveAsync(byte[] id) => await database.WriteAsync($"delete from logout_outbox where id = {id}");

    /// <summary>Lets everything that is due for a client wait, as if each had been tried.</summary>
    public async ValueTask PostponeAsync(string clientId, DateTimeOffset now, DateTimeOffset until) => await database.WriteAsync(
        $"update logout_outbox set next_try_at = {until.ToUnixTimeMilliseconds()}, tries = tries + 1 where client_id = {clientId} and next_try_at <= {now.ToUnixTimeMilliseconds()}");

    /// <summary>Drops what a client has not heard for too long, or will never hear.</summary>
    public async ValueTask<int> DropAsync(string clientId, DateTimeOffset before) =>
        await database.WriteAsync($"delete from logout_outbox where client_id = {clientId} and created_at <= {before.ToUnixTimeMilliseconds()}");

    private static async Task AddAsync(DatabaseConnection connection, Sql owing, DateTimeOffset now)
    {
        var owed = new List<(string ClientId, string Subject, byte[] SessionId)>();
        await using (var reader = await connection.Prepare(owing).ExecuteReaderAsync())
            while (await reader.ReadAsync()) owed.Add((reader.GetString(0), reader.GetString(1), reader.GetFieldValue<byte[]>(2)));
        foreach (var (clientId, subject, sessionId) in owed)
            await connection.ExecuteAsync(
                $"""
                insert into logout_outbox (id, client_id, subject, session_id, created_at, next_try_at, tries)
                values ({Secret.NewId(now)}, {clientId}, {subject}, {sessionId}, {now.ToUnixTimeMilliseconds()}, {now.ToUnixTimeMilliseconds()}, 0)
                """, CancellationToken.None);
    }

    private static OwedLogout Read(DbDataReader reader) => new(
        reader.GetFieldValue<byte[]>(0),
        reader.GetString(1),
        reader.GetString(2),
        reader.GetFieldValue<byte[]>(3),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5)),
        reader.GetInt64(6));
}
