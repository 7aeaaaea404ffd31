using System.Collections.Concurrent;
using System.Data.Common;
using System.Threading.Channels;

namespace ProofKey.Server.Storage;

/// <summary>The database could not be read or written. The message is one sentence with the remedy, fit for an operator.</summary>
public sealed class DatabaseException : Exception
{
    internal DatabaseException(DatabaseFailure failure, string message, Exception? inner)
        : base(message, inner) => Failure = failure;

    /// <summary>What kind of failure it is.</summary>
    public DatabaseFailure Failure { get; }
}

/// <summary>
/// The one door to the database. Reads take a pooled connection each; writes that wait at the same time share one transaction and one
/// commit (group commit), and none is answered before that commit.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    /// <summary>The most writes that share a commit; a batch never waits to fill.</summary>
    private const int MaxBatch = 64;

    /// <summary>How many connections are kept for readers to come.</summary>
    private const int MaxIdleReaders = 16;

    private readonly DbDataSource _source;
    private readonly ConcurrentStack<DatabaseConnection> _readers = [];
    private readonly Channel<PendingWrite> _writes = Channel.CreateBounded<PendingWrite>(new BoundedChannelOptions(4096) { SingleReader = true });
    private readonly Task _writer;
    private int _idleReaders;

    public Database(DbDataSource source, DatabaseDialect dialect)
    {
        _source = source;
        Dialect = dialect;
        _writer = Task.Run(WriteLoopAsync);
    }

    public DatabaseDialect Dialect { get; }

    /// <summary>Reads the first row of a query.</summary>
    public async ValueTask<T?> FindAsync<T>(Sql sql, Func<DbDataReader, T> read, CancellationToken cancellation)
        where T : class
    {
        var connection = await TakeReaderAsync(cancellation);
        try
        {
            T? row;
            await using (var reader = await connection.Prepare(sql).ExecuteReaderAsync(cancellation))
                row = await reader.ReadAsync(cancellation) ? read(reader) : null;
            await ReturnAsync(connection);
            return row;
        }
        catch (Exception exception)
        {
            await connection.DisposeAsync();
            if (exception is DbException failed) throw Failure(failed);
            throw;
        }
    }

    /// <summary>Reads all rows of a query.</summary>
    public async ValueTask<List<T>> ListAsync<T>(Sql sql, Func<DbDataReader, T> read, CancellationToken cancellation)
    {
        var connection = await TakeReaderAsync(cancellation);
        try
        {
            var rows = new List<T>();
            await using (var reader = await connection.Prepare(sql).ExecuteReaderAsync(cancellation))
                while (await reader.ReadAsync(cancellation)) rows.Add(read(reader));
            await ReturnAsync(connection);
            return rows;
        }
        catch (Exception exception)
        {
            await connection.DisposeAsync();
            if (exception is DbException failed) throw Failure(failed);
            throw;
        }
    }

    /// <summary>Writes, and says how many rows changed, after the commit.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="then">What is written in the same transaction when the statement changed a row; if that fails, nothing is changed.</param>
    public async ValueTask<int> WriteAsync(Sql sql, Sql? then = null)
    {
        var write = new PendingWrite(sql, null, () => then);
        await SubmitAsync(write);
        return write.RowCount;
    }

    /// <summary>Writes with <c>returning</c>, and gives the first returned row, after the commit.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="read">Reads the row.</param>
    /// <param name="then">What a returned row asks to be written in the same transaction; if that fails, nothing is changed.</param>
    public async ValueTask<T?> WriteAsync<T>(Sql sql, Func<DbDataReader, T> read, Func<T, Sql?>? then = null)
        where T : class
    {
        T? row = null;
        await SubmitAsync(new PendingWrite(sql, reader => row = read(reader), () => row is null ? null : then?.Invoke(row)));
        return row;
    }

    /// <summary>Runs statements in one transaction of their own, under the database's write lock. For migrations.</summary>
    public async Task InTransactionAsync(Func<DatabaseConnection, Task> work, CancellationToken cancellation)
    {
        await using var connection = await OpenAsync(cancellation);
        try
        {
            await connection.ExecuteAsync(Dialect.BeginWrite, cancellation);
            await work(connection);
            await connection.ExecuteAsync("commit", cancellation);
        }
        catch (DbException exception)
        {
            throw Failure(exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _writes.Writer.TryComplete();
        await _writer;
        foreach (var reader in _readers) await reader.DisposeAsync();
        await _source.DisposeAsync();
    }

    private async ValueTask SubmitAsync(PendingWrite write)
    {
        // A queue that is full, or closed because the server stops, is answered at once: try again.
        using var span = Telemetry.Span("database write");
        if (!_writes.Writer.TryWrite(write)) throw Busy();
        await write.Committed;
    }

    private async Task WriteLoopAsync()
    {
        DatabaseConnection? connection = null;
        var batch = new List<PendingWrite>(MaxBatch);
        while (await _writes.Reader.WaitToReadAsync())
        {
            while (batch.Count < MaxBatch && _writes.Reader.TryRead(out var write)) batch.Add(write);
            try
            {
                connection ??= await OpenAsync(CancellationToken.None);
                await CommitAsync(connection, batch);
            }
            catch (Exception exception)
            {
                // The whole batch failed, whatever the cause: everyone is told, and the loop goes on. A fresh connection carries no
                // half-open transaction into the next batch.
                var failure = exception is DbException failed ? Failure(failed) : exception;
                foreach (var write in batch) write.Fail(failure);
                // Whoever queued up behind a lock has waited as long; no one waits for it twice.
                if (failure is DatabaseException { Failure: DatabaseFailure.Busy })
                    while (_writes.Reader.TryRead(out var write)) write.Fail(failure);
                if (connection is not null) await connection.DisposeAsync();
                connection = null;
            }
            batch.Clear();
        }
        if (connection is not null) await connection.DisposeAsync();
    }

    private async Task CommitAsync(DatabaseConnection connection, List<PendingWrite> batch)
    {
        var begun = Telemetry.CommitBegins();
        await connection.ExecuteAsync(Dialect.BeginWrite, CancellationToken.None);
        foreach (var write in batch)
        {
            try
            {
                await write.ExecuteAsync(connection);
            }
            catch (DbException exception) when (Failure(exception) is { Failure: DatabaseFailure.Statement } failed)
            {
                // A broken constraint undoes its own statement only; the others go on to their commit.
                write.FailAlone(failed);
            }
        }
        await connection.ExecuteAsync("commit", CancellationToken.None);
        Telemetry.Committed(begun, batch.Count);
        foreach (var write in batch) write.Complete();
    }

    private async ValueTask<DatabaseConnection> TakeReaderAsync(CancellationToken cancellation)
    {
        if (!_readers.TryPop(out var connection)) return await OpenAsync(cancellation);
        Interlocked.Decrement(ref _idleReaders);
        return connection;
    }

    private async ValueTask ReturnAsync(DatabaseConnection connection)
    {
        if (Interlocked.Increment(ref _idleReaders) <= MaxIdleReaders)
        {
            _readers.Push(connection);
            return;
        }
        Interlocked.Decrement(ref _idleReaders);
        await connection.DisposeAsync();
    }

    private async ValueTask<DatabaseConnection> OpenAsync(CancellationToken cancellation)
    {
        DatabaseConnection? connection = null;
        try
        {
            connection = new DatabaseConnection(await _source.OpenConnectionAsync(cancellation));
            await connection.ExecuteAsync(Dialect.ConnectionSetup, cancellation);
            return connection;
        }
        catch (Exception exception)
        {
            if (connection is not null) await connection.DisposeAsync();
            if (exception is DbException failed) throw Failure(failed);
            throw;
        }
    }

    private static DatabaseException Busy() => new(DatabaseFailure.Busy, "Too many writes are waiting for the database; try again.", null);

    private DatabaseException Failure(DbException exception)
    {
        var failure = Dialect.Classify(exception);
        return new DatabaseException(failure, failure switch
        {
            DatabaseFailure.Busy => "The database is locked by another process; try again.",
            DatabaseFailure.Full => "The disk that holds the database is full or fails; free some space, check it, and try again.",
            DatabaseFailure.ReadOnly => "The database cannot be opened for writing; check the folder's owner, mode and path.",
            DatabaseFailure.Damaged => "The file is not a ProofKey database, or it is damaged; restore it from a backup.",
            _ => $"The database refused a statement: {exception.Message}",
        }, exception);
    }
}
