using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>A write that waits for its turn and its commit. A caller that goes away never cancels it.</summary>
internal sealed class PendingWrite(Sql sql, Action<DbDataReader>? read, Func<Sql?> then)
{
    // Continuations must not run on the writer, or one slow caller would hold up the next batch.
    private readonly TaskCompletionSource _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _failure;

    public Task Committed => _committed.Task;

    public int RowCount { get; private set; }

    public async Task ExecuteAsync(DatabaseConnection connection)
    {
        if (read is null) RowCount = await connection.ExecuteAsync(sql, CancellationToken.None);
        else await ReadAsync(connection, read);
        if (RowCount > 0 && then() is { } following) await FollowAsync(connection, following);
    }

    private async Task ReadAsync(DatabaseConnection connection, Action<DbDataReader> take)
    {
        await using var reader = await connection.Prepare(sql).ExecuteReaderAsync();
        while (await reader.ReadAsync())
            if (RowCount++ == 0) take(reader);
    }

    // A broken constraint must not undo the second statement alone: everything that shares the commit fails, and can be tried again.
    private static async Task FollowAsync(DatabaseConnection connection, Sql then)
    {
        try
        {
            await connection.ExecuteAsync(then, CancellationToken.None);
        }
        catch (DbException exception)
        {
            throw new DatabaseException(DatabaseFailure.Statement, "What belongs to a change could not be written, so nothing was changed.", exception);
        }
    }

    public void FailAlone(Exception exception) => _failure = exception;

    public void Fail(Exception exception) => _committed.TrySetException(exception);

    public void Complete()
    {
        if (_failure is null) _committed.TrySetResult();
        else _committed.TrySetException(_failure);
    }
}
