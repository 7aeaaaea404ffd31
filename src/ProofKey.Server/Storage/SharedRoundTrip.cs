using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>
/// For a database with many writers: the writes of a batch, each about one grant, go over in one round trip and share its commit.
/// One batch is under way at a time for every four processors, so that the next one fills meanwhile.
/// </summary>
internal sealed class SharedRoundTrip(Database database) : WriteQueue(usual: DatabaseDialect.RoundTrips, most: 8, givesWay: false)
{
    /// <summary>Writes one statement, and what belongs to it, in a transaction of its own.</summary>
    /// <returns>When it is committed.</returns>
    public async ValueTask WriteAloneAsync(PendingWrite write)
    {
        await AloneAsync(write);
        write.Complete();
        await write.Committed;
    }

    protected override async Task CommitAsync(List<PendingWrite> batch)
    {
        // The same order on every server: of two that write the same grants, one waits for the other, and never both.
        batch.Sort((one, other) => one.GrantId.AsSpan().SequenceCompareTo(other.GrantId));
        var failure = batch.Count > 1 ? await TogetherAsync(batch) : DatabaseFailure.Statement;
        if (failure is null) return;
        // Behind a lock the others would wait in a row, each for those before it.
        var separate = failure is DatabaseFailure.Busy ? [] : await SeparatelyAsync(batch);
        // Each holds one row alone: they stand in nobody's way, and do not wait for whoever of them waits for a lock.
        await Task.WhenAll(batch.Where(write => !separate.Contains(write)).Select(AloneAsync));
    }

    protected override Exception FailureOf(Exception exception) => exception is DbException failed ? database.Failure(failed) : exception;

    /// <returns>What failed, if anything did. Then all of it was undone, and each write is to be run alone: exactly the one that fails has failed.</returns>
    private async Task<DatabaseFailure?> TogetherAsync(List<PendingWrite> batch)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        var goesOn = batch.Exists(write => write.MayGoOn);
        var isCommitting = !goesOn;
        try
        {
            await connection.ExecuteTogetherAsync(goesOn ? database.Dialect.BeginWrite : null, batch);
            if (!goesOn) return null;
            var following = batch.Select(write => write.Following()).OfType<Sql>().ToList();
            isCommitting = true;
            await connection.CommitAsync(following);
            return null;
        }
        catch (DatabaseException exception) when (exception.Failure is DatabaseFailure.Statement && !isCommitting)
        {
            return DatabaseFailure.Statement;
        }
        catch (DbException exception)
        {
            var failure = database.Failure(exception, mayBeKept: isCommitting && !connection.IsOpen);
            // A statement that is wrong, or a lock on the row of one of them, is no reason for the others to fail.
            if (connection.IsOpen && (failure.Failure is DatabaseFailure.Statement or DatabaseFailure.Busy || database.Dialect.IsConflict(exception))) return failure.Failure;
            throw failure;
        }
    }

    /// <returns>The writes that were done in a round trip in which each had a transaction of its own; one that failed there is not among them.</returns>
    private async Task<HashSet<PendingWrite>> SeparatelyAsync(List<PendingWrite> batch)
    {
        // Rows that a statement returns are lost behind one that fails, and what belongs to a statement needs its transaction.
        var plain = batch.FindAll(write => !write.Returns && !write.MayGoOn);
        if (database.Dialect.Separate is not { } separate || plain.Count < 2) return [];
        await using var connection = await database.OpenAsync(CancellationToken.None);
        try
        {
            await connection.ExecuteSeparatelyAsync(separate, plain);
        }
        catch (DbException exception)
        {
            foreach (var write in plain) write.FailAlone(database.Failure(exception, mayBeKept: true));
            return [.. plain];
        }
        return [.. plain.Where(write => write.RowCount >= 0)];
    }

    private async Task AloneAsync(PendingWrite write)
    {
        try
        {
            for (var isLast = false; !await TryAloneAsync(write, isLast); isLast = true)
            {
                // It was undone as a whole, since another transaction was in its way.
            }
        }
        catch (Exception exception)
        {
            write.FailAlone(exception);
        }
    }

    private async Task<bool> TryAloneAsync(PendingWrite write, bool isLast)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        try
        {
            if (write.MayGoOn) await connection.ExecuteAsync(database.Dialect.BeginWrite, CancellationToken.None);
            await write.ExecuteAsync(connection);
            if (write.MayGoOn) await connection.ExecuteAsync("commit", CancellationToken.None);
            return true;
        }
        catch (DbException exception)
        {
            if (!isLast && database.Dialect.IsConflict(exception)) return false;
            throw database.Failure(exception, mayBeKept: !connection.IsOpen);
        }
    }
}
