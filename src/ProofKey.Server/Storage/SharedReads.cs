using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>
/// For a database at the other end of a connection: queries for one row that wait at the same time go over in one round trip. Each gets its own row,
/// and one whose caller goes away disturbs nobody.
/// </summary>
internal sealed class SharedReads : IAsyncDisposable
{
    private readonly Database _database;
    private readonly BatchQueue<PendingRead> _waiting;

    public SharedReads(Database database)
    {
        _database = database;
        _waiting = new BatchQueue<PendingRead>(DatabaseDialect.RoundTrips, 8, givesWay: false, ReadAsync);
    }

    /// <summary>Waits for the turn of a query.</summary>
    /// <returns>Whether it was run. If not, it is to be run alone, and then it fails or succeeds by itself.</returns>
    public async ValueTask<bool> TryAsync(PendingRead read, CancellationToken cancellation) => _waiting.TryAdd(read) && await read.Done.WaitAsync(cancellation);

    public ValueTask DisposeAsync() => _waiting.DisposeAsync();

    private async Task ReadAsync(List<PendingRead> batch)
    {
        var isRead = false;
        try
        {
            await using var connection = await _database.OpenAsync(CancellationToken.None);
            await connection.FindTogetherAsync(batch);
            isRead = true;
        }
        catch (DatabaseException unreachable)
        {
            // Whoever waited for a connection in vain does not wait for another one.
            foreach (var read in batch) read.Fail(unreachable);
        }
        catch (Exception)
        {
            // Whose fault it was is seen when each is run alone.
        }
        foreach (var read in batch) read.Complete(isRead);
    }
}

/// <summary>A query for one row that waits for its turn.</summary>
/// <param name="sql">The query.</param>
/// <param name="read">Reads the row.</param>
internal sealed class PendingRead(Sql sql, Action<DbDataReader> read)
{
    // The next round trip does not wait for what follows from this one.
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Sql Sql => sql;

    /// <summary>Ends with whether it was run.</summary>
    public Task<bool> Done => _done.Task;

    public void Take(DbDataReader reader) => read(reader);

    public void Fail(Exception exception) => _done.TrySetException(exception);

    public void Complete(bool isRead) => _done.TrySetResult(isRead);
}
