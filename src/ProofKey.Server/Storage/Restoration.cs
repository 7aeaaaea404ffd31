using ProofKey.Server.Keys;

namespace ProofKey.Server.Storage;

/// <summary>Which sign-ins go on in a database that was put back from a backup.</summary>
public enum RestoredGrants
{
    /// <summary>None: everybody signs in again.</summary>
    RevokeAll,

    /// <summary>All but those of the people and clients of whom the audit trail says anything since the backup.</summary>
    RevokeChanged,

    /// <summary>All, but those that the audit trail says were revoked since the backup.</summary>
    Keep,
}

/// <summary>What a restore came to.</summary>
/// <param name="Revocations">How many revocations of the audit trail are newer than the backup; they hold again.</param>
/// <param name="WithoutPassword">The names of those who got a new password since: it is lost, and the one of the backup is good for nothing.</param>
public sealed record RestoreOutcome(int Revocations, IReadOnlyList<string> WithoutPassword);

/// <summary>
/// What a database needs that was put back from a backup, before a server works on it: a backup un-revokes. One transaction, in which nobody else
/// writes; a second run of the same changes nothing more.
/// </summary>
internal sealed class Restoration(DatabaseConnection connection, RootKey root, DateTimeOffset now)
{
    // Whoever knows a name can cause these, and they change nothing.
    private static readonly HashSet<string> Tries = ["sign-in-failed", "account-locked", "user-codes-locked"];

    private readonly AuditedRevocation _revocation = new(connection, root, now);

    public async Task<RestoreOutcome> RunAsync(RestoredGrants grants, IReadOnlyList<AuditEntry> exported)
    {
        var revocations = 0;
        var newer = await AddNewerAsync(exported);
        foreach (var entry in newer)
            if (await _revocation.ApplyAsync(entry)) revocations++;
        if (grants == RestoredGrants.RevokeChanged) await RevokeChangedAsync(newer);
        if (grants == RestoredGrants.RevokeAll) await RevokeAllAsync();
        await connection.ExecuteAsync($"insert into restoration (restored_at) values ({now.ToUnixTimeMilliseconds()}) on conflict do nothing", CancellationToken.None);
        await connection.ExecuteAsync(AuditTrail.Entry(new AuditEvent("database-restored") { Detail = $"grants: {NameOf(grants)}; revocations of the audit trail: {revocations}" }, now), CancellationToken.None);
        return new RestoreOutcome(revocations, await _revocation.ListWithoutPasswordAsync());
    }

    /// <summary>The choice as it is typed.</summary>
    private static string NameOf(RestoredGrants grants) => grants switch
    {
        RestoredGrants.Keep => "keep",
        RestoredGrants.RevokeChanged => "revoke-changed",
        _ => "revoke-all",
    };

    // What the trail of the backup has not is newer; it is added, so that the trail is whole again. What is older than its oldest entry was deleted for its age.
    private async Task<List<AuditEntry>> AddNewerAsync(IReadOnlyList<AuditEntry> exported)
    {
        var oldest = await OldestAsync();
        var newer = new List<AuditEntry>();
        foreach (var entry in exported.Where(entry => entry.At.ToUnixTimeMilliseconds() >= oldest).OrderBy(entry => entry.At))
        {
            if (!Base64UrlText.TryDecode(entry.Id, out var id)) throw new FormatException($"The audit trail has an entry whose id is {entry.Id}, which is none of ours.");
            var added = await connection.ExecuteAsync(
                $"""
                insert into audit_event (id, at, kind, subject, client_id, address, count, detail)
                values ({id}, {entry.At.ToUnixTimeMilliseconds()}, {entry.Kind}, {entry.Subject}, {entry.ClientId}, {entry.Address}, {entry.Count}, {entry.Detail})
                on conflict do nothing
                """, CancellationToken.None);
            if (added == 1) newer.Add(entry);
        }
        return newer;
    }

    // Where the backup's trail is empty, all that it had was old: whatever is newer than the newest thing in it happened afterwards.
    private async Task<long> OldestAsync() =>
        await connection.Prepare($"select min(at) from audit_event").ExecuteScalarAsync() is long at ? at
        : await connection.Prepare(
            $"""
            select max(at) from (
                select max(created_at) as at from account union all select max(created_at) from client
                union all select max(last_seen_at) from session union all select max(rotated_at) from authorization_grant) newest
            """).ExecuteScalarAsync() is long newest ? newest : 0;

    // An entry about somebody at a client is about that person; one about a client alone is about everybody there.
    private async Task RevokeChangedAsync(List<AuditEntry> newer)
    {
        var changes = newer.Where(entry => !Tries.Contains(entry.Kind)).ToList();
        foreach (var subject in changes.Select(entry => entry.Subject).OfType<string>().Distinct()) await _revocation.EndPersonAsync(subject);
        foreach (var client in changes.Where(entry => entry.Subject is null).Select(entry => entry.ClientId).OfType<string>().Distinct())
            await connection.ExecuteAsync($"update authorization_grant set revoked_at = {now.ToUnixTimeMilliseconds()} where client_id = {client} and revoked_at is null", CancellationToken.None);
    }

    // A session that had ended would bring new grants, and so would a yes that was taken back.
    private async Task RevokeAllAsync()
    {
        await KeyStore.EndAllAsync(connection, now, CancellationToken.None);
        await connection.ExecuteAsync($"delete from consent", CancellationToken.None);
    }
}
