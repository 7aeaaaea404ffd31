using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>A device that asks for a sign-in.</summary>
internal sealed record DeviceRow
{
    /// <summary>The id, which is the id of the grant that redeeming the device code inserts.</summary>
    public required byte[] Id { get; init; }

    public required byte[] SecretDigest { get; init; }

    public required string ClientId { get; init; }

    /// <summary>What the device asks for; when somebody has agreed, what they agreed to.</summary>
    public required Scope Scope { get; init; }

    public string? Resource { get; init; }

    /// <summary>The network that the device asked from.</summary>
    public required string Address { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>How long the device waits between two polls: it grows each time the device does not.</summary>
    public required TimeSpan Interval { get; init; }

    /// <summary>Whether the poll that read this row came before the interval was over.</summary>
    public bool IsTooFast { get; init; }

    public DateTimeOffset? DecidedAt { get; init; }

    /// <summary>Who agreed; <see langword="null"/> while nobody has decided, and for ever when somebody declined.</summary>
    public DeviceApproval? Approval { get; init; }

    /// <summary>Who declined or agreed.</summary>
    public string? DecidedBy { get; init; }
}

/// <summary>A person's yes to a device, with all that the grant says of their sign-in.</summary>
internal sealed record DeviceApproval(
    string Subject, long Epoch, byte[]? SessionId, DateTimeOffset GrantExpiresAt, DateTimeOffset AuthTime, string Amr, string? Acr);

/// <summary>
/// The devices that ask (RFC 8628). A row holds digests of both codes; the one of the user code is keyed, since eight letters could be
/// found by trying.
/// </summary>
internal sealed class DeviceStore(Database database)
{
    /// <summary>How much a poll may come early: clocks and networks are not exact.</summary>
    private const long EarlyMs = 500;

    private static readonly SqlPart Columns = new(
        "id, secret_digest, client_id, scope, resource, address, created_at, expires_at, poll_seconds, too_fast, decided_at, allowed, subject, epoch, session_id, grant_expires_at, auth_time, amr, acr");

    /// <summary>Adds a device; <see langword="false"/> when another one has the same user code.</summary>
    public async ValueTask<bool> AddAsync(DeviceRow device, byte[] userCodeDigest) => await database.WriteAsync(
        $"""
        insert into device_code (id, secret_digest, user_code, client_id, scope, resource, address, created_at, expires_at, poll_seconds, polled_at, too_fast)
        values ({device.Id}, {device.SecretDigest}, {userCodeDigest}, {device.ClientId}, {device.Scope.ToString()}, {device.Resource}, {device.Address},
            {device.CreatedAt.ToUnixTimeMilliseconds()}, {device.ExpiresAt.ToUnixTimeMilliseconds()}, {(long)device.Interval.TotalSeconds}, 0, 0)
        on conflict do nothing
        """) == 1;

    /// <summary>Counts a poll of a device that still waits: one UPDATE, which says as well whether the poll came too fast.</summary>
    /// <returns>The row, or <see langword="null"/> when the device does not wait any more or the code is not its own.</returns>
    // RFC 8628 section 3.5: the interval is raised by five seconds, and stays so
    public ValueTask<DeviceRow?> PollAsync(byte[] id, byte[] secretDigest, string clientId, DateTimeOffset now)
    {
        var nowMs = now.ToUnixTimeMilliseconds();
        return database.WriteAsync(
            $"""
            update device_code set
                too_fast = case when polled_at + poll_seconds * 1000 - {EarlyMs} > {nowMs} then 1 else 0 end,
                poll_seconds = case when polled_at + poll_seconds * 1000 - {EarlyMs} > {nowMs} then poll_seconds + 5 else poll_seconds end,
                polled_at = {nowMs}
            where id = {id} and secret_digest = {secretDigest} and client_id = {clientId} and decided_at is null and expires_at > {nowMs}
            returning {Columns}
            """, Read);
    }

    public ValueTask<DeviceRow?> FindAsync(byte[] id, CancellationToken cancellation) =>
        database.FindAsync($"select {Columns} from device_code where id = {id}", Read, cancellation);

    /// <summary>Finds the device that waits for a decision under a user code.</summary>
    public ValueTask<DeviceRow?> FindWaitingAsync(byte[] userCodeDigest, DateTimeOffset now, CancellationToken cancellation) => database.FindAsync(
        $"select {Columns} from device_code where user_code = {userCodeDigest} and decided_at is null and expires_at > {now.ToUnixTimeMilliseconds()}", Read, cancellation);

    /// <summary>Lets a waiting device have what was agreed to, and writes the event in the same transaction.</summary>
    /// <returns>Whether it still waited: of two decisions the first one counts.</returns>
    public async ValueTask<bool> AllowAsync(byte[] id, DeviceApproval approval, Scope agreed, DateTimeOffset now, AuditEvent audited) => await database.WriteAsync(
        $"""
        update device_code set decided_at = {now.ToUnixTimeMilliseconds()}, allowed = 1, scope = {agreed.ToString()}, subject = {approval.Subject}, epoch = {approval.Epoch}, session_id = {approval.SessionId},
            grant_expires_at = {approval.GrantExpiresAt.ToUnixTimeMilliseconds()}, auth_time = {approval.AuthTime.ToUnixTimeMilliseconds()}, amr = {approval.Amr}, acr = {approval.Acr}
        where id = {id} and decided_at is null and expires_at > {now.ToUnixTimeMilliseconds()}
        """, AuditTrail.Entry(audited, now)) == 1;

    /// <summary>Turns a waiting device away, and writes the event in the same transaction.</summary>
    /// <returns>Whether it still waited.</returns>
    public async ValueTask<bool> DenyAsync(byte[] id, string subject, DateTimeOffset now, AuditEvent audited) => await database.WriteAsync(
        $"""
        update device_code set decided_at = {now.ToUnixTimeMilliseconds()}, allowed = 0, subject = {subject}
        where id = {id} and decided_at is null and expires_at > {now.ToUnixTimeMilliseconds()}
        """, AuditTrail.Entry(audited, now)) == 1;

    private static DeviceRow Read(DbDataReader reader) => new()
    {
        Id = reader.GetFieldValue<byte[]>(0),
        SecretDigest = reader.GetFieldValue<byte[]>(1),
        ClientId = reader.GetString(2),
        Scope = Scope.Parse(reader.GetString(3)),
        Resource = reader.IsDBNull(4) ? null : reader.GetString(4),
        Address = reader.GetString(5),
        CreatedAt = Time(reader, 6),
        ExpiresAt = Time(reader, 7),
        Interval = TimeSpan.FromSeconds(reader.GetInt64(8)),
        IsTooFast = reader.GetInt64(9) != 0,
        DecidedAt = reader.IsDBNull(10) ? null : Time(reader, 10),
        DecidedBy = reader.IsDBNull(12) ? null : reader.GetString(12),
        Approval = reader.IsDBNull(11) || reader.GetInt64(11) == 0 ? null : new DeviceApproval(
            reader.GetString(12), reader.GetInt64(13), reader.IsDBNull(14) ? null : reader.GetFieldValue<byte[]>(14), Time(reader, 15), Time(reader, 16),
            reader.GetString(17), reader.IsDBNull(18) ? null : reader.GetString(18)),
    };

    private static DateTimeOffset Time(DbDataReader reader, int column) => DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));
}
