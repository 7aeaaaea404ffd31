using System.Data.Common;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>Looks at the database as a whole, and moves it: what an operator does beside a server, or while it is stopped.</summary>
public sealed class DatabaseRegistry
{
    private readonly Database _database;
    private readonly KeyStore _keys;
    private readonly RootKey _root;
    private readonly TimeProvider _time;

    internal DatabaseRegistry(Database database, KeyStore keys, ServerOptions options, TimeProvider time) => (_database, _keys, _root, _time) = (database, keys, new RootKey(options.RootKey), time);

    /// <summary>Reads the database as a whole, counts the rows of every table, and opens every key.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The tables, with their rows.</returns>
    /// <exception cref="RootKeyException">The root key does not open them.</exception>
    /// <exception cref="DatabaseException">The database cannot be read.</exception>
    public async Task<IReadOnlyList<TableCount>> CheckAsync(CancellationToken cancellation)
    {
        foreach (var row in await _keys.ListAsync(cancellation)) _root.Unwrap(row);
        await CheckWholeAsync(cancellation);
        List<TableCount> counts = [];
        await _database.ReadAtLengthAsync(async connection => counts = await TableCopy.CountAsync(connection, cancellation), cancellation);
        return counts;
    }

    /// <summary>Copies every row into another database, which must have none. The servers on this one must be stopped: what they write meanwhile would be lost.</summary>
    /// <param name="target">The other database; disposed in the end.</param>
    /// <param name="dialect">What kind of database it is.</param>
    /// <param name="cancellation">Stops, and leaves the other database without rows.</param>
    /// <returns>The tables, with the rows that both databases have now.</returns>
    /// <exception cref="DatabaseException">The other one has rows, or not all of them arrived; then it is as it was before.</exception>
    public async Task<IReadOnlyList<TableCount>> CopyToAsync(DbDataSource target, DatabaseDialect dialect, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(dialect);
        await using var other = new Database(target, dialect);
        await Schema.MigrateAsync(other, _time, cancellation);
        return await TableCopy.RunAsync(_database, other, cancellation);
    }

    /// <summary>
    /// Tells a database that it was put back from a backup, while no server works on it. A backup un-revokes: what the audit trail says was revoked
    /// since holds again, and the trail is whole again. From then on a client whose refresh token is ahead of its grant may go on, once.
    /// </summary>
    /// <param name="grants">Which sign-ins go on.</param>
    /// <param name="exported">The audit trail of before, as far as it was exported; entries that the backup has do no harm.</param>
    /// <param name="cancellation">Stops waiting, and leaves the database as it was.</param>
    /// <returns>What it came to.</returns>
    /// <exception cref="RootKeyException">The root key does not open the keys; nothing was changed.</exception>
    /// <exception cref="FormatException">An entry of the trail is none; nothing was changed.</exception>
    /// <exception cref="DatabaseException">The database cannot be read or written; nothing was changed.</exception>
    public async Task<RestoreOutcome> MarkRestoredAsync(RestoredGrants grants, IReadOnlyList<AuditEntry> exported, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(exported);
        foreach (var row in await _keys.ListAsync(cancellation)) _root.Unwrap(row);
        await CheckWholeAsync(cancellation);
        var now = RootKey.WholeMilliseconds(_time.GetUtcNow());
        RestoreOutcome? outcome = null;
        await _database.AloneInTransactionAsync(async connection => outcome = await new Restoration(connection, _root, now).RunAsync(grants, exported), cancellation);
        return outcome!;
    }

    // To count rows reads the smallest index of a table: a page of its rows that is broken would not be met.
    private async Task CheckWholeAsync(CancellationToken cancellation)
    {
        if (_database.Dialect.CheckWhole is not { } check) return;
        string? said = null;
        await _database.ReadAtLengthAsync(async connection => said = await connection.Constant(check).ExecuteScalarAsync(cancellation) as string, cancellation);
        if (said != "ok") throw new DatabaseException(DatabaseFailure.Damaged, $"The file is damaged; restore it from a backup. {_database.Dialect.Name} says: {said}", null);
    }
}
