using System.Data.Common;
using ProofKey.Server.Keys;

namespace ProofKey.Server.Storage;

/// <summary>A key as it is stored: sealed with the root key.</summary>
internal sealed record StoredKey(string Id, string Purpose, string Algorithm, byte[] Sealed, DateTimeOffset NotBefore, DateTimeOffset? RetireAfter, DateTimeOffset CreatedAt)
{
    /// <summary>The keys that it follows and that follow it.</summary>
    public KeyLine Line => new(Purpose, Algorithm);

    /// <summary>Whether another row says the very same, to the byte of what is sealed.</summary>
    public bool IsSameRow(StoredKey other) => this with { Sealed = other.Sealed } == other && Sealed.AsSpan().SequenceEqual(other.Sealed);
}

/// <summary>Rows to be added, written anew and deleted.</summary>
internal sealed record KeyChanges(IReadOnlyList<StoredKey> Added, IReadOnlyList<StoredKey> Changed, IReadOnlyList<StoredKey> Removed);

/// <summary>The signing and sealing keys, shared by every replica on the same database.</summary>
internal sealed class KeyStore(Database database)
{
    private static readonly SqlPart Columns = new("id, purpose, algorithm, sealed, not_before, retire_after, created_at");

    private static Sql All => $"select {Columns} from key order by not_before, created_at, id";

    public ValueTask<List<StoredKey>> ListAsync(CancellationToken cancellation) => database.ListAsync(All, Read, cancellation);

    /// <summary>Changes the keys. Asked under the write lock: of two servers that find a key missing at once, one makes it and the other finds it.</summary>
    /// <param name="changes">Says, of the keys that are there, what has to change.</param>
    /// <param name="audited">What is recorded of it, if it is an operator's act.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task ChangeAsync(Func<List<StoredKey>, KeyChanges> changes, AuditEvent? audited, DateTimeOffset now, CancellationToken cancellation) => database.AloneInTransactionAsync(
        async connection =>
        {
            await ApplyAsync(connection, changes(await ListAsync(connection, cancellation)), cancellation);
            if (audited is not null) await connection.ExecuteAsync(AuditTrail.Entry(audited, now), cancellation);
        }, cancellation);

    /// <summary>
    /// Replaces every key, and ends whatever the old ones vouched for: sessions, grants, and what waits for a person's answer. All of it or
    /// nothing.
    /// </summary>
    /// <param name="successors">Makes the new keys.</param>
    /// <param name="audited">What is recorded of it.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task ReplaceAllAsync(Func<List<StoredKey>, IReadOnlyList<StoredKey>> successors, AuditEvent audited, DateTimeOffset now, CancellationToken cancellation) => database.AloneInTransactionAsync(
        async connection =>
        {
            if (database.Dialect.LockSignIns is { } signIns) await connection.ExecuteAsync(signIns, cancellation);
            await ReplaceAllAsync(connection, successors, cancellation);
            await EndAllAsync(connection, now, cancellation);
            await connection.ExecuteAsync(AuditTrail.Entry(audited, now), cancellation);
        }, cancellation);

    /// <summary>Replaces every key, inside a transaction of which <see cref="EndAllAsync"/> is a part too.</summary>
    public static async Task ReplaceAllAsync(DatabaseConnection connection, Func<List<StoredKey>, IReadOnlyList<StoredKey>> successors, CancellationToken cancellation)
    {
        var present = await ListAsync(connection, cancellation);
        await ApplyAsync(connection, new(successors(present), [], present), cancellation);
    }

    /// <summary>Ends every session and grant, and what waits for a person's answer, inside a transaction.</summary>
    public static async Task EndAllAsync(DatabaseConnection connection, DateTimeOffset now, CancellationToken cancellation)
    {
        await LogoutOutbox.AddForAllAsync(connection, now);
        await connection.ExecuteAsync($"update account set epoch = epoch + 1", cancellation);
        await connection.ExecuteAsync($"update session set ended_at = {now.ToUnixTimeMilliseconds()} where ended_at is null", cancellation);
        await connection.ExecuteAsync($"update authorization_grant set revoked_at = {now.ToUnixTimeMilliseconds()} where revoked_at is null", cancellation);
        await connection.ExecuteAsync($"delete from pushed_request", cancellation);
        await connection.ExecuteAsync($"delete from device_code", cancellation);
    }

    private static async Task<List<StoredKey>> ListAsync(DatabaseConnection connection, CancellationToken cancellation)
    {
        var present = new List<StoredKey>();
        await using var reader = await connection.Prepare(All).ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) present.Add(Read(reader));
        return present;
    }

    private static async Task ApplyAsync(DatabaseConnection connection, KeyChanges changes, CancellationToken cancellation)
    {
        foreach (var key in changes.Removed) await connection.ExecuteAsync($"delete from key where id = {key.Id}", cancellation);
        foreach (var key in changes.Changed)
            await connection.ExecuteAsync(
                $"update key set sealed = {key.Sealed}, not_before = {key.NotBefore.ToUnixTimeMilliseconds()}, retire_after = {key.RetireAfter?.ToUnixTimeMilliseconds()} where id = {key.Id}", cancellation);
        foreach (var key in changes.Added)
            await connection.ExecuteAsync(
                $"""
                insert into key ({Columns})
                values ({key.Id}, {key.Purpose}, {key.Algorithm}, {key.Sealed}, {key.NotBefore.ToUnixTimeMilliseconds()}, {key.RetireAfter?.ToUnixTimeMilliseconds()}, {key.CreatedAt.ToUnixTimeMilliseconds()})
                """, cancellation);
    }

    private static StoredKey Read(DbDataReader reader) => new(
        reader.GetString(0),
        reader.GetString(1),
        reader.GetString(2),
        reader.GetFieldValue<byte[]>(3),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)),
        reader.IsDBNull(5) ? null : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5)),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(6)));
}
