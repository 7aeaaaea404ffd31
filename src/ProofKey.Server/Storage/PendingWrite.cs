using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>A write that waits for its turn and its commit. A caller that goes away never cancels it.</summary>
/// <param name="sql">The statement.</param>
/// <param name="read">Reads the first row that it returns; none when it returns nothing.</param>
/// <param name="then">What is written in the same transaction when a row changed; none when nothing ever is.</param>
/// <param name="grantId">The grant whose row it is about, if it is about one row of one grant.</param>
internal sealed class PendingWrite(Sql sql, Action<DbDataReader>? read, Func<Sql?>? then, byte[]? grantId)
{
    // Continuations must not run on the writer, or one slow caller would hold up the next batch.
    private readonly TaskCompletionSource _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _failure;

    public Task Committed => _committed.Task;

    public Sql Sql => sql;

    /// <summary>Whether the statement returns rows.</summary>
    public bool Returns => read is not null;

    /// <summary>Whether a second statement may belong to it.</summary>
    public bool MayGoOn => then is not null;

    public byte[]? GrantId => grantId;

    public int RowCount { get; private set; }

    /// <summary>Runs it over a connection that has a transaction open.</summary>
    public async Task ExecuteAsync(DatabaseConnection connection)
    {
        (RowCount, _failure) = (0, null);
        if (Returns)
        {
            await using var reader = await connection.Prepare(sql).ExecuteReaderAsync();
            await TakeAsync(reader);
        }
        else
        {
            RowCount = await connection.ExecuteAsync(sql, CancellationToken.None);
        }
        if (Following() is { } following) await FollowAsync(connection, following);
    }

    /// <summary>Takes the rows that the statement returned.</summary>
    public async Task TakeAsync(DbDataReader reader)
    {
        (RowCount, _failure) = (0, null);
        while (await reader.ReadAsync())
            if (RowCount++ == 0) Take(reader);
    }

    /// <summary>Takes the number of rows that the statement changed.</summary>
    public void Take(int rowCount) => RowCount = rowCount;

    /// <summary>What has to be written too, after the statement has run.</summary>
    public Sql? Following() => RowCount > 0 && _failure is null ? then?.Invoke() : null;

    public void FailAlone(Exception exception) => _failure = exception;

    public void Fail(Exception exception) => _committed.TrySetException(exception);

    public void Complete()
    {
        if (_failure is null) _committed.TrySetResult();
        else _committed.TrySetException(_failure);
    }

    // A row with something in it that no program of ours wrote is trouble for its own caller, and for nobody who shares the commit.
    private void Take(DbDataReader reader)
    {
        try
        {
            read!(reader);
        }
        catch (Exception exception) when (exception is not DbException)
        {
            // What belongs to it is made of that row: without it nothing is to change.
            if (MayGoOn) throw new DatabaseException(DatabaseFailure.Statement, "A row cannot be read, so nothing was changed.", exception);
            FailAlone(exception);
        }
    }

    // A broken constraint must not undo the second statement alone: all of the transaction is undone, and each of those who shared it runs alone.
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
}
