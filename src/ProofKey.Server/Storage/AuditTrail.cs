using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>Something that changed someone's access. docs/audit.md has all kinds.</summary>
/// <param name="Kind">What, such as <c>signed-in</c> or <c>grant-revoked</c>: lower-case words, for ever the same.</param>
internal sealed record AuditEvent(string Kind)
{
    public string? Subject { get; init; }

    public string? ClientId { get; init; }

    /// <summary>The network address that it came from.</summary>
    public string? Address { get; init; }

    /// <summary>What else tells the event apart: an id, a scope, a reason. Never a secret, and nothing that was typed as a name: it may be a password.</summary>
    public string? Detail { get; init; }
}

/// <summary>An entry of the audit trail.</summary>
/// <param name="Id">Its id, base64url. An entry that counts keeps it.</param>
/// <param name="At">When it happened; of what is counted, the last time.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Subject">Whose access it is about.</param>
/// <param name="UserName">That person's name, unless the account is gone.</param>
/// <param name="ClientId">Which client it is about.</param>
/// <param name="Address">Where it came from.</param>
/// <param name="Count">How often it happened in that hour; 1 for what is not counted.</param>
/// <param name="Detail">What else there is to know.</param>
public sealed record AuditEntry(string Id, DateTimeOffset At, string Kind, string? Subject, string? UserName, string? ClientId, string? Address, long Count, string? Detail);

/// <summary>Which entries of the audit trail are wanted; what is not set does not matter.</summary>
public sealed record AuditFilter
{
    /// <summary>The first moment.</summary>
    public DateTimeOffset Since { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>The moment after the last.</summary>
    public DateTimeOffset Until { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>The kind.</summary>
    public string? Kind { get; init; }

    /// <summary>Whose access.</summary>
    public string? Subject { get; init; }

    /// <summary>Which client.</summary>
    public string? ClientId { get; init; }
}

/// <summary>
/// The security events, apart from logs. What cannot be recorded does not happen: an event is written in the transaction of its act
/// (<see cref="Entry"/>), or before it.
/// </summary>
internal sealed class AuditTrail(Database database, TimeProvider time)
{
    /// <summary>How many entries are read at once.</summary>
    public const int PageSize = 500;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>The statement that writes an event, for the transaction of its act.</summary>
    public static Sql Entry(AuditEvent audited, DateTimeOffset now) =>
        $"""
        insert into audit_event (id, at, kind, subject, client_id, address, count, detail)
        values ({Secret.NewId(now)}, {now.ToUnixTimeMilliseconds()}, {audited.Kind}, {audited.Subject}, {audited.ClientId}, {audited.Address}, 1, {audited.Detail})
        """;

    /// <summary>Writes an event by itself; call it before the act that it tells of.</summary>
    public async ValueTask RecordAsync(AuditEvent audited) => await database.WriteAsync(Entry(audited, time.GetUtcNow()));

    /// <summary>Counts an event that a stranger can repeat at will: one row for each kind, account, client, address and hour, whose id follows from them.</summary>
    /// <param name="audited">The event.</param>
    /// <param name="then">What is recorded beside it, in the same write.</param>
    public async ValueTask CountAsync(AuditEvent audited, AuditEvent? then = null)
    {
        var now = time.GetUtcNow();
        var hour = now.UtcTicks / Hour.Ticks;
        var id = Secret.Digest($"{audited.Kind}\n{hour}\n{audited.Subject}\n{audited.ClientId}\n{audited.Address}")[..16];
        await database.WriteAsync(
            $"""
            insert into audit_event (id, at, kind, subject, client_id, address, count, detail)
            values ({id}, {now.ToUnixTimeMilliseconds()}, {audited.Kind}, {audited.Subject}, {audited.ClientId}, {audited.Address}, 1, {audited.Detail})
            on conflict (id) do update set count = audit_event.count + 1, at = excluded.at
            """, then is null ? null : Entry(then, now));
    }

    /// <summary>Reads entries, the oldest first, at most <see cref="PageSize"/>.</summary>
    /// <param name="filter">Which.</param>
    /// <param name="after">The last entry of the page before, or none.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public ValueTask<List<AuditEntry>> ListAsync(AuditFilter filter, AuditEntry? after, CancellationToken cancellation)
    {
        var at = (after?.At ?? filter.Since).ToUnixTimeMilliseconds();
        var id = after is not null && Base64UrlText.TryDecode(after.Id, out var bytes) ? bytes : [];
        return database.ListAsync(
            $"""
            select e.id, e.at, e.kind, e.subject, a.name, e.client_id, e.address, e.count, e.detail
            from audit_event e left join account a on a.subject = e.subject and a.removed_at is null
            where e.at >= {at} and (e.at > {at} or e.id > {id}) and e.at < {filter.Until.ToUnixTimeMilliseconds()}
                and (cast({filter.Kind} as text) is null or e.kind = {filter.Kind})
                and (cast({filter.Subject} as text) is null or e.subject = {filter.Subject})
                and (cast({filter.ClientId} as text) is null or e.client_id = {filter.ClientId})
            order by e.at, e.id limit {(long)PageSize}
            """, Read, cancellation);
    }

    private static AuditEntry Read(DbDataReader reader) => new(
        Base64UrlText.Encode(reader.GetFieldValue<byte[]>(0)),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(1)),
        reader.GetString(2),
        Text(reader, 3),
        Text(reader, 4),
        Text(reader, 5),
        Text(reader, 6),
        reader.GetInt64(7),
        Text(reader, 8));

    private static string? Text(DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
