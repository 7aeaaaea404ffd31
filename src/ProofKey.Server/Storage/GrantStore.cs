using System.Data.Common;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Storage;

/// <summary>One sign-in: the only row that it leaves.</summary>
internal sealed record Grant
{
    public required byte[] Id { get; init; }

    public required string ClientId { get; init; }

    public required string Subject { get; init; }

    /// <summary>The account's security epoch when the code was issued.</summary>
    public required long Epoch { get; init; }

    /// <summary>The browser session in which the grant was given; <see langword="null"/> for sessions of another account source.</summary>
    public byte[]? SessionId { get; init; }

    /// <summary>Whether <c>offline_access</c> lets the grant outlive that session.</summary>
    public bool OutlivesSession { get; init; }

    public required Scope Scope { get; init; }

    /// <summary>The API that access tokens are for; <see langword="null"/> means the client's default.</summary>
    public string? Resource { get; init; }

    public required DateTimeOffset AuthTime { get; init; }

    public required string Amr { get; init; }

    public string? Acr { get; init; }

    /// <summary>The thumbprint of the key that its tokens are bound to (RFC 9449 section 5).</summary>
    public byte[]? DpopThumbprint { get; init; }

    /// <summary>The claims asked for one by one (OpenID Connect Core section 5.5).</summary>
    public string? Claims { get; init; }

    /// <summary>Whether the client wants to hear when the session ends.</summary>
    public bool NotifiesLogout { get; init; }

    public required byte[] SecretDigest { get; init; }

    /// <summary>The number of the current refresh token.</summary>
    public long Sequence { get; init; }

    /// <summary>The one predecessor that is still tolerated.</summary>
    public long? PreviousSequence { get; init; }

    /// <summary>When the sequence last moved; 0 (1970) before the first refresh.</summary>
    public DateTimeOffset RotatedAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>Whether account, client and session still stand, asked in the same statement that read the row.</summary>
    public bool Stands { get; init; }

    /// <summary>When the grant was last of use: judged when read, never indexed.</summary>
    public DateTimeOffset LastUsedAt => RotatedAt > CreatedAt ? RotatedAt : CreatedAt;
}

/// <summary>
/// The grants. The primary key is the single-use gate of a code, rotation is one conditional UPDATE, revocation another; so each holds
/// under any race and on any replica.
/// </summary>
internal sealed class GrantStore(Database database, AccountSource accounts)
{
    private static readonly SqlPart Columns = new(
        "g.id, g.client_id, g.subject, g.epoch, g.session_id, g.scope, g.resource, g.auth_time, g.amr, g.secret_digest, g.seq, g.prev_seq, g.rotated_at, g.created_at, g.expires_at, g.revoked_at, "
        + "g.outlives_session, g.acr, g.dpop_jkt, g.claims, g.notify");

    private static readonly SqlPart Returning = new(
        "returning id, client_id, subject, epoch, session_id, scope, resource, auth_time, amr, secret_digest, seq, prev_seq, rotated_at, created_at, expires_at, revoked_at, "
        + "outlives_session, acr, dpop_jkt, claims, notify, 1");

    // State is compared at each use: whichever of a grant's INSERT and a revocation commits first, the grant is dead after both.
    private static readonly SqlPart SessionStands = new(
        """
        (g.session_id is null or g.outlives_session = 1 or exists (select 1 from session s where s.id = g.session_id and s.ended_at is null))
        """);

    private static readonly SqlPart ClientAndSessionStand = new($"exists (select 1 from client c where c.id = g.client_id and c.removed_at is null) and {SessionStands.Text}");

    private static readonly SqlPart AccountStands = new(
        "exists (select 1 from account a where a.subject = g.subject and a.epoch = g.epoch and a.disabled_at is null and a.removed_at is null)");

    // Accounts of another source have no row here: their state is asked of the source, in front of the statement. Their subjects are not ours
    // to choose, and one that is a client's id would pass for the client itself (RFC 9068 section 5, RFC 9700 section 4.15).
    private static readonly SqlPart AccountIsElsewhere = new("not exists (select 1 from client k where k.id = g.subject)");

    // Where several write at a time, who ends a session or an account has to find every grant whose client wants to hear of it: the rows stay as
    // they are until this one is there for all to see. Other grants need no lock, and take none.
    private readonly SqlPart _sessionStands = new(
        $"(g.session_id is null or exists (select 1 from session s where s.id = g.session_id and (s.ended_at is null or g.outlives_session = 1) {database.Dialect.ForShare.Text}))");

    private readonly SqlPart _accountStands = new(
        $"exists (select 1 from account a where a.subject = g.subject and a.epoch = g.epoch and a.disabled_at is null and a.removed_at is null {database.Dialect.ForShare.Text})");

    private static readonly SqlPart NoMore = new("");

    // What was allowed may be withdrawn at this moment: either that waits and finds the grant, or it is seen here.
    private readonly SqlPart _deviceIsAllowed = new($"and exists (select 1 from device_code d where d.id = g.id and d.allowed = 1 {database.Dialect.ForShare.Text})");

    private SqlPart Account => accounts.KeepsAccountsHere ? AccountStands : AccountIsElsewhere;

    /// <summary>
    /// Inserts the row under the id that the code carried, if account, client and session stand: one caller wins, every other one has
    /// replayed the code.
    /// </summary>
    /// <param name="grant">The row.</param>
    /// <param name="clientVersion">The registration that everything else was decided by, where it was not read for this request.</param>
    /// <returns>Whether this caller won. If not, <see cref="FindAsync"/> tells a replay (a row) from state that is gone (none).</returns>
    // RFC 6749 section 4.1.2, section 10.5: a code is used once
    public async ValueTask<bool> RedeemAsync(Grant grant, long? clientVersion = null) => await database.WriteAsync(Insert(grant, clientVersion, NoMore), grantId: grant.Id) == 1;

    /// <summary>The same for what a person allowed a device, if that still holds.</summary>
    public async ValueTask<bool> RedeemOfDeviceAsync(Grant grant) => await database.WriteAsync(Insert(grant, null, _deviceIsAllowed), grantId: grant.Id) == 1;

    private Sql Insert(Grant grant, long? clientVersion, SqlPart more) =>
        $"""
        insert into authorization_grant (id, client_id, subject, epoch, session_id, scope, resource, auth_time, amr, secret_digest, seq, prev_seq, rotated_at, created_at, expires_at,
            outlives_session, acr, dpop_jkt, claims, notify)
        select g.* from (select {grant.Id} as id, {grant.ClientId} as client_id, {grant.Subject} as subject, {grant.Epoch} as epoch, {grant.SessionId} as session_id,
            {grant.Scope.ToString()} as scope, {grant.Resource} as resource, {grant.AuthTime.ToUnixTimeMilliseconds()} as auth_time, {grant.Amr} as amr,
            {grant.SecretDigest} as secret_digest, 1, cast(null as bigint), 0, {grant.CreatedAt.ToUnixTimeMilliseconds()}, {grant.ExpiresAt.ToUnixTimeMilliseconds()},
            {grant.OutlivesSession} as outlives_session, {grant.Acr}, {grant.DpopThumbprint}, {grant.Claims}, {(grant.NotifiesLogout ? 1L : null)}) as g
        where exists (select 1 from client c where c.id = g.client_id and c.removed_at is null and c.version = coalesce({clientVersion}, c.version))
            and {(grant.NotifiesLogout ? _sessionStands : SessionStands)} and {(grant.NotifiesLogout && accounts.KeepsAccountsHere ? _accountStands : Account)} {more}
        on conflict do nothing
        """;

    /// <summary>The grant as it is, whether it stands or not.</summary>
    /// <param name="id">The row's id.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="clientVersion">The registration without which it does not stand, where it was not read for this request.</param>
    /// <returns>The row, or <see langword="null"/> where there is none.</returns>
    public ValueTask<Grant?> FindAsync(byte[] id, CancellationToken cancellation, long? clientVersion = null) => database.FindAsync(
        $"""
        select {Columns}, case when exists (select 1 from client c where c.id = g.client_id and c.removed_at is null and c.version = coalesce({clientVersion}, c.version))
            and {SessionStands} and {Account} then 1 else 0 end
        from authorization_grant g where g.id = {id}
        """, Read, cancellation);

    /// <summary>The grant, if nothing has ended it: neither its time, nor a revocation, nor the end of its account, client or session.</summary>
    public async ValueTask<Grant?> FindLivingAsync(byte[] id, DateTimeOffset now, CancellationToken cancellation)
    {
        var grant = await FindAsync(id, cancellation);
        if (grant is not { RevokedAt: null, Stands: true } || grant.ExpiresAt <= now) return null;
        return accounts.KeepsAccountsHere || await accounts.StandsAsync(grant.Subject, grant.Epoch, cancellation) ? grant : null;
    }

    /// <summary>Moves the sequence on, if the presented one is current.</summary>
    /// <param name="token">The presented token.</param>
    /// <param name="clientId">The client that presents it.</param>
    /// <param name="thumbprint">The key that the grant is bound to from now on, if any; no leeway holds that up.</param>
    /// <param name="now">The time, in whole milliseconds.</param>
    /// <param name="policy">How tokens rotate.</param>
    /// <param name="clientVersion">The client's registration, where it was not read for this request.</param>
    /// <returns>The row after the move, or <see langword="null"/> when nothing moved.</returns>
    // RFC 9449 section 5: a public client that refreshes with a proof gets a refresh token that is bound to its key
    public ValueTask<Grant?> RotateAsync(RefreshToken token, string clientId, byte[]? thumbprint, DateTimeOffset now, RotationPolicy policy, long? clientVersion = null)
    {
        var (id, secretDigest, sequence) = (token.GrantId, RefreshToken.DigestOf(token.RowSecret), token.Sequence);
        var nowMs = now.ToUnixTimeMilliseconds();
        var before = thumbprint is not null ? long.MaxValue : BeforeLeeway(policy, nowMs);
        var idleAfter = nowMs - (long)policy.IdleLifetime.TotalMilliseconds;
        return database.WriteAsync(
            $"""
            update authorization_grant as g
            set prev_seq = {sequence}, seq = seq + 1, rotated_at = {nowMs}, dpop_jkt = {thumbprint}
            where g.id = {id} and seq = {sequence} and client_id = {clientId} and secret_digest = {secretDigest} and dpop_jkt is null and revoked_at is null and expires_at > {nowMs}
                and rotated_at < {before} and (rotated_at > {idleAfter} or created_at > {idleAfter})
                and exists (select 1 from client c where c.id = g.client_id and c.removed_at is null and c.version = coalesce({clientVersion}, c.version)) and {SessionStands} and {Account}
            {Returning}
            """,
            Read, grantId: id);
    }

    /// <summary>Moves the sequence on for the predecessor that returns late: the answer that had its successor was lost, and that one was never used.</summary>
    /// <param name="token">The presented token.</param>
    /// <param name="clientId">The client that presents it.</param>
    /// <param name="thumbprint">The key that the grant is bound to from now on, if any.</param>
    /// <param name="now">The time, in whole milliseconds.</param>
    /// <param name="policy">How tokens rotate.</param>
    /// <param name="late">What is recorded of it, in the same transaction.</param>
    /// <returns>The row after the move, or <see langword="null"/> when nothing moved.</returns>
    public ValueTask<Grant?> ReturnLateAsync(RefreshToken token, string clientId, byte[]? thumbprint, DateTimeOffset now, RotationPolicy policy, Func<Grant, AuditEvent> late)
    {
        var (id, secretDigest, sequence) = (token.GrantId, RefreshToken.DigestOf(token.RowSecret), token.Sequence);
        var nowMs = now.ToUnixTimeMilliseconds();
        var before = BeforeLeeway(policy, nowMs);
        var lateAfter = nowMs - (long)policy.LateReturn.TotalMilliseconds;
        var idleAfter = nowMs - (long)policy.IdleLifetime.TotalMilliseconds;
        return database.WriteAsync(
            $"""
            update authorization_grant as g
            set seq = seq + 1, rotated_at = {nowMs}, dpop_jkt = {thumbprint}
            where g.id = {id} and prev_seq = {sequence} and client_id = {clientId} and secret_digest = {secretDigest} and dpop_jkt is null and revoked_at is null and expires_at > {nowMs}
                and rotated_at < {before} and rotated_at > {lateAfter} and (rotated_at > {idleAfter} or created_at > {idleAfter})
                and {ClientAndSessionStand} and {Account}
            {Returning}
            """,
            Read, returned => AuditTrail.Entry(late(returned), now), id);
    }

    /// <summary>
    /// Lets the client of a restored database go on, once: its token is ahead of a row that is as old as the backup. Afterwards the row has changed
    /// since the restore, and only tokens that follow this one are good.
    /// </summary>
    /// <param name="token">The presented token.</param>
    /// <param name="clientId">The client that presents it.</param>
    /// <param name="thumbprint">The key that the grant is bound to from now on, if any.</param>
    /// <param name="now">The time, in whole milliseconds.</param>
    /// <param name="policy">How tokens rotate.</param>
    /// <param name="ahead">What is recorded of it, in the same transaction.</param>
    /// <returns>The row after the move, or <see langword="null"/> when nothing moved.</returns>
    public ValueTask<Grant?> CatchUpAsync(RefreshToken token, string clientId, byte[]? thumbprint, DateTimeOffset now, RotationPolicy policy, Func<Grant, AuditEvent> ahead)
    {
        var (id, secretDigest, sequence) = (token.GrantId, RefreshToken.DigestOf(token.RowSecret), token.Sequence);
        var nowMs = now.ToUnixTimeMilliseconds();
        var idleAfter = nowMs - (long)policy.IdleLifetime.TotalMilliseconds;
        return database.WriteAsync(
            $"""
            update authorization_grant as g
            set prev_seq = {sequence}, seq = {sequence + 1}, rotated_at = {nowMs}, dpop_jkt = {thumbprint}
            where g.id = {id} and client_id = {clientId} and secret_digest = {secretDigest} and dpop_jkt is null and revoked_at is null and expires_at > {nowMs}
                and seq < {sequence} and (rotated_at > {idleAfter} or created_at > {idleAfter})
                and exists (select 1 from restoration r where r.restored_at > g.rotated_at and r.restored_at > g.created_at)
                and {ClientAndSessionStand} and {Account}
            {Returning}
            """,
            Read, caughtUp => AuditTrail.Entry(ahead(caughtUp), now), id);
    }

    /// <summary>When the database was last restored, if ever.</summary>
    public async ValueTask<DateTimeOffset?> FindRestoredAtAsync(CancellationToken cancellation)
    {
        var newest = await database.ListAsync($"select restored_at from restoration order by restored_at desc limit 1", reader => DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(0)), cancellation);
        return newest.Count == 0 ? null : newest[0];
    }

    /// <summary>Writes down that a grant which does not rotate was used, unless that was done since a time, or it stands no more.</summary>
    /// <returns>Whether it was written.</returns>
    public async ValueTask<bool> NoteUseAsync(byte[] id, DateTimeOffset notSince, DateTimeOffset now) => await database.WriteAsync(
        $"""
        update authorization_grant as g set rotated_at = {now.ToUnixTimeMilliseconds()}
        where g.id = {id} and revoked_at is null and expires_at > {now.ToUnixTimeMilliseconds()} and rotated_at <= {notSince.ToUnixTimeMilliseconds()}
            and {ClientAndSessionStand} and {Account}
        """, grantId: id) == 1;

    /// <summary>Revokes a grant: one UPDATE, and the event in the same transaction. The row stays until its own end, so that its code stays used.</summary>
    /// <returns>Whether it was alive.</returns>
    public async ValueTask<bool> RevokeAsync(byte[] id, DateTimeOffset now, AuditEvent audited) => await database.WriteAsync(
        $"update authorization_grant set revoked_at = {now.ToUnixTimeMilliseconds()} where id = {id} and revoked_at is null", AuditTrail.Entry(audited, now), id) == 1;

    /// <summary>
    /// Revokes the grants of a person that have not ended, or those at one client, with what that person allowed a device which has not
    /// fetched it yet, and forgets what they agreed to: a remembered yes would bring the next grant without a question.
    /// </summary>
    /// <returns>How many grants.</returns>
    public async Task<int> RevokeAllAsync(string subject, string? clientId, DateTimeOffset now, AuditEvent audited)
    {
        var revoked = 0;
        await database.InTransactionAsync(async connection =>
        {
            var withdrawn = await connection.ExecuteAsync($"update device_code set allowed = 0 where subject = {subject} and client_id = coalesce({clientId}, client_id) and allowed = 1", CancellationToken.None);
            revoked = await connection.ExecuteAsync(
                $"""
                update authorization_grant set revoked_at = {now.ToUnixTimeMilliseconds()}
                where subject = {subject} and client_id = coalesce({clientId}, client_id) and revoked_at is null and expires_at > {now.ToUnixTimeMilliseconds()}
                """, CancellationToken.None);
            var forgotten = await connection.ExecuteAsync($"delete from consent where subject = {subject} and client_id = coalesce({clientId}, client_id)", CancellationToken.None);
            if (revoked + withdrawn > 0) await connection.ExecuteAsync(AuditTrail.Entry(audited, now), CancellationToken.None);
            if (forgotten > 0) await connection.ExecuteAsync(AuditTrail.Entry(new AuditEvent("consent-withdrawn") { Subject = subject, ClientId = clientId }, now), CancellationToken.None);
        }, CancellationToken.None);
        return revoked;
    }

    /// <summary>The grants of a person, a client, both or all, the newest first. For people to look at, so it may look at all rows.</summary>
    public ValueTask<List<Grant>> ListAsync(string? subject, string? clientId, CancellationToken cancellation) => database.ListAsync(
        $"""
        select {Columns}, case when {ClientAndSessionStand} and {Account} then 1 else 0 end from authorization_grant g
        where g.subject = coalesce({subject}, g.subject) and g.client_id = coalesce({clientId}, g.client_id)
        order by g.id desc limit 10000
        """, Read, cancellation);

    // Without a leeway the counter alone decides: no clock that was set back may sign anyone out.
    private static long BeforeLeeway(RotationPolicy policy, long nowMs) => policy.Leeway == TimeSpan.Zero ? long.MaxValue : nowMs - (long)policy.Leeway.TotalMilliseconds;

    private static Grant Read(DbDataReader reader) => new()
    {
        Id = reader.GetFieldValue<byte[]>(0),
        ClientId = reader.GetString(1),
        Subject = reader.GetString(2),
        Epoch = reader.GetInt64(3),
        SessionId = reader.IsDBNull(4) ? null : reader.GetFieldValue<byte[]>(4),
        Scope = Scope.Parse(reader.GetString(5)),
        Resource = reader.IsDBNull(6) ? null : reader.GetString(6),
        AuthTime = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(7)),
        Amr = reader.GetString(8),
        SecretDigest = reader.GetFieldValue<byte[]>(9),
        Sequence = reader.GetInt64(10),
        PreviousSequence = reader.IsDBNull(11) ? null : reader.GetInt64(11),
        RotatedAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(12)),
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(13)),
        ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(14)),
        RevokedAt = reader.IsDBNull(15) ? null : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(15)),
        OutlivesSession = reader.GetInt64(16) != 0,
        Acr = reader.IsDBNull(17) ? null : reader.GetString(17),
        DpopThumbprint = reader.IsDBNull(18) ? null : reader.GetFieldValue<byte[]>(18),
        Claims = reader.IsDBNull(19) ? null : reader.GetString(19),
        NotifiesLogout = !reader.IsDBNull(20),
        Stands = reader.GetInt64(21) != 0,
    };
}
