using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>Where writes wait for their turn: those that wait at the same time are taken together, and none is answered before its commit.</summary>
internal abstract class WriteQueue : IAsyncDisposable
{
    private readonly BatchQueue<PendingWrite> _waiting;

    /// <param name="usual">How many batches are under way at a time.</param>
    /// <param name="most">How many there are when they take long.</param>
    /// <param name="givesWay">Whether everything that is ready to run goes before the next batch.</param>
    protected WriteQueue(int usual, int most, bool givesWay) => _waiting = new BatchQueue<PendingWrite>(usual, most, givesWay, WriteAsync);

    /// <summary>Waits for the turn and the commit of a write.</summary>
    public async ValueTask SubmitAsync(PendingWrite write)
    {
        // A queue that is full, or closed because the server stops, is answered at once: try again.
        if (!_waiting.TryAdd(write)) throw new DatabaseException(DatabaseFailure.Busy, "Too many writes are waiting for the database; try again.", null);
        await write.Committed;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _waiting.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes a batch and tells everyone how it went, or throws, and everyone is told that.</summary>
    protected abstract Task CommitAsync(List<PendingWrite> batch);

    /// <summary>What an exception means to those who wait.</summary>
    protected abstract Exception FailureOf(Exception exception);

    /// <summary>Whether what made a batch fail stands in the way of those behind it too.</summary>
    protected virtual bool IsForAll(Exception failure) => failure is DatabaseException { Failure: DatabaseFailure.Unreachable };

    // What is kept is kept, whatever whoever listens does with the measurement.
    private static void Measure(long begun, int writes)
    {
        try
        {
            Telemetry.Committed(begun, writes);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
        }
    }

    private async Task WriteAsync(List<PendingWrite> batch)
    {
        try
        {
            var begun = Telemetry.CommitBegins();
            await CommitAsync(batch);
            foreach (var write in batch) write.Complete();
            // Whoever listens may be slow: those who wrote are not kept waiting for it.
            Measure(begun, batch.Count);
        }
        catch (Exception exception)
        {
            // The whole batch failed, whatever the cause: everyone is told, and the next one goes on.
            var failure = FailureOf(exception);
            foreach (var write in batch) write.Fail(failure);
            // Whoever queued up behind it has waited as long; no one waits for it twice.
            if (IsForAll(failure))
                while (_waiting.TryTake(out var write)) write.Fail(failure);
        }
    }
}

/// <summary>
/// For a database with one writer at a time: the writes of a batch share a transaction over one connection, and its commit. A commit keeps the thread, and
/// a processor when many wait; so who can bring a write, or send an answer, goes before it.
/// </summary>
internal sealed class SharedTransaction(Database database, SemaphoreSlim turn) : WriteQueue(usual: 1, most: 1, givesWay: true)
{
    private DatabaseConnection? _connection;

    /// <summary>Waits for the batches that are under way.</summary>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_connection is not null) await _connection.DisposeAsync();
    }

    protected override async Task CommitAsync(List<PendingWrite> batch)
    {
        await Database.TakeTurnAsync(turn, CancellationToken.None);
        try
        {
            await TogetherAsync(batch);
        }
        catch (DatabaseException exception) when (exception.Failure is DatabaseFailure.Statement && batch.Count > 1)
        {
            // What belongs to one of them could not be written, and all was undone: exactly that one fails.
            Exception? inTheWay = null;
            foreach (var write in batch)
                if (inTheWay is null) inTheWay = await AloneAsync(write);
                else write.FailAlone(inTheWay);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <returns>What stands in the way of the others too, such as somebody's lock, which nobody waits for twice.</returns>
    private async Task<Exception?> AloneAsync(PendingWrite write)
    {
        try
        {
            await TogetherAsync([write]);
            return null;
        }
        catch (Exception exception)
        {
            var failure = FailureOf(exception);
            write.FailAlone(failure);
            return IsForAll(failure) ? failure : null;
        }
    }

    private async Task TogetherAsync(List<PendingWrite> batch)
    {
        try
        {
            _connection ??= await database.OpenAsync(CancellationToken.None);
            await _connection.ExecuteAsync(database.Dialect.BeginWrite, CancellationToken.None);
            foreach (var write in batch) await ExecuteAsync(write, _connection);
            await _connection.ExecuteAsync("commit", CancellationToken.None);
        }
        catch
        {
            // A fresh connection carries no half-open transaction into the next batch.
            if (_connection is not null) await _connection.DisposeAsync();
            _connection = null;
            throw;
        }
    }

    protected override Exception FailureOf(Exception exception) => exception is DbException failed ? database.Failure(failed) : exception;

    // A lock here is one of the whole database.
    protected override bool IsForAll(Exception failure) => base.IsForAll(failure) || failure is DatabaseException { Failure: DatabaseFailure.Busy };

    private async Task ExecuteAsync(PendingWrite write, DatabaseConnection connection)
    {
        try
        {
            await write.ExecuteAsync(connection);
        }
        catch (DbException exception) when (database.Failure(exception) is { Failure: DatabaseFailure.Statement } failed)
        {
            // A broken constraint undoes its own statement only; the others go on to their commit.
            write.FailAlone(failed);
        }
    }
}
