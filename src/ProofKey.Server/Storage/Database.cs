using System.Collections.Concurrent;
using System.Data.Common;
using System.Runtime.ExceptionServices;

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
/// The one door to the database. Reads take a connection each; writes that wait at the same time share one commit (group commit), and none
/// is answered before that commit.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    /// <summary>How often a transaction that another one got in the way of is run.</summary>
    private const int MaxRuns = 5;

    private static readonly TimeSpan TurnPatience = TimeSpan.FromSeconds(5);

    private readonly DbDataSource _source;
    private readonly ConcurrentStack<DatabaseConnection> _readers = [];
    private readonly WriteQueue _writes;
    private readonly SharedRoundTrip? _roundTrips;
    private readonly SharedReads? _reads;
    // Where one writes at a time, the driver waits for its turn asleep, on a thread that others need; so ours wait here.
    private readonly SemaphoreSlim? _turn;
    private int _idleReaders;

    public Database(DbDataSource source, DatabaseDialect dialect)
    {
        _source = source;
        Dialect = dialect;
        _writes = dialect.HasManyWriters ? _roundTrips = new SharedRoundTrip(this) : new SharedTransaction(this, _turn = new SemaphoreSlim(1));
        if (dialect.HasManyWriters) _reads = new SharedReads(this);
    }

    public DatabaseDialect Dialect { get; }

    /// <summary>Reads the first row of a query.</summary>
    public async ValueTask<T?> FindAsync<T>(Sql sql, Func<DbDataReader, T> read, CancellationToken cancellation)
        where T : class
    {
        T? found = null;
        if (_reads is not null && await _reads.TryAsync(new PendingRead(sql, reader => found = read(reader)), cancellation)) return found;
        for (var isLast = false; ; isLast = true)
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
                if (!await MayReadAgainAsync(connection, exception) || isLast) throw exception is DbException failed ? Failure(failed) : Same(exception);
            }
        }
    }

    /// <summary>Reads all rows of a query.</summary>
    public async ValueTask<List<T>> ListAsync<T>(Sql sql, Func<DbDataReader, T> read, CancellationToken cancellation)
    {
        for (var isLast = false; ; isLast = true)
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
                if (!await MayReadAgainAsync(connection, exception) || isLast) throw exception is DbException failed ? Failure(failed) : Same(exception);
            }
        }
    }

    /// <summary>Writes, and says how many rows changed, after the commit.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="then">What is written in the same transaction when the statement changed a row; if that fails, nothing is changed.</param>
    /// <param name="grantId">The grant that the statement is about, when it writes no row but that one's.</param>
    public async ValueTask<int> WriteAsync(Sql sql, Sql? then = null, byte[]? grantId = null)
    {
        var write = new PendingWrite(sql, null, then is null ? null : () => then, grantId);
        await SubmitAsync(write);
        return write.RowCount;
    }

    /// <summary>Writes with <c>returning</c>, and gives the first returned row, after the commit.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="read">Reads the row.</param>
    /// <param name="then">What a returned row asks to be written in the same transaction; if that fails, nothing is changed.</param>
    /// <param name="grantId">The grant that the statement is about, when it writes no row but that one's.</param>
    public async ValueTask<T?> WriteAsync<T>(Sql sql, Func<DbDataReader, T> read, Func<T, Sql?>? then = null, byte[]? grantId = null)
        where T : class
    {
        T? row = null;
        var write = new PendingWrite(sql, reader => row = read(reader), then is null ? null : () => then(row!), grantId);
        await SubmitAsync(write);
        // A row of a run that was undone is none.
        return write.RowCount == 0 ? null : row;
    }

    /// <summary>Runs statements in one transaction of their own. Where another transaction gets in the way, all is run once more.</summary>
    /// <param name="work">What is run; it must not leave anything behind when it is run again.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task InTransactionAsync(Func<DatabaseConnection, Task> work, CancellationToken cancellation)
    {
        if (_turn is null)
        {
            await RunInTransactionAsync(work, cancellation);
            return;
        }
        await TakeTurnAsync(_turn, cancellation);
        try
        {
            await RunInTransactionAsync(work, cancellation);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Waits for the turn as long as the driver would wait for the lock, so that behind somebody else's lock those who come later wait no longer than the first.</summary>
    /// <exception cref="DatabaseException">Whoever has it holds it longer.</exception>
    internal static async Task TakeTurnAsync(SemaphoreSlim turn, CancellationToken cancellation)
    {
        if (!await turn.WaitAsync(TurnPatience, cancellation)) throw new DatabaseException(DatabaseFailure.Busy, "The database is locked by another process; try again.", null);
    }

    private async Task RunInTransactionAsync(Func<DatabaseConnection, Task> work, CancellationToken cancellation)
    {
        for (var run = 1; ; run++)
        {
            await using var connection = await OpenAsync(cancellation);
            try
            {
                await connection.ExecuteAsync(Dialect.BeginWrite, cancellation);
                await work(connection);
                await connection.ExecuteAsync("commit", cancellation);
                return;
            }
            catch (DbException exception)
            {
                if (!Dialect.IsConflict(exception) || run == MaxRuns) throw Failure(exception, mayBeKept: !connection.IsOpen);
            }
        }
    }

    /// <summary>The same while no other program does anything that is done alone: migrations, and changes of the keys.</summary>
    public Task AloneInTransactionAsync(Func<DatabaseConnection, Task> work, CancellationToken cancellation) => InTransactionAsync(
        async connection =>
        {
            if (Dialect.LockDatabase is { } alone)
            {
                connection.WaitsForever = true;
                await connection.ExecuteAsync(alone, cancellation);
            }
            await work(connection);
        }, cancellation);

    /// <summary>Reads as much as there is, as long as that takes. It waits for no writer, and none for it.</summary>
    public async Task ReadAtLengthAsync(Func<DatabaseConnection, Task> work, CancellationToken cancellation)
    {
        await using var connection = await OpenAsync(cancellation);
        connection.WaitsForever = true;
        try
        {
            await connection.ExecuteAsync("begin", cancellation);
            if (Dialect.TakeTime is { } time) await connection.ExecuteAsync(time, cancellation);
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
        await _writes.DisposeAsync();
        if (_reads is not null) await _reads.DisposeAsync();
        foreach (var reader in _readers) await reader.DisposeAsync();
        await _source.DisposeAsync();
    }

    /// <summary>Opens a connection, which is the caller's.</summary>
    internal async ValueTask<DatabaseConnection> OpenAsync(CancellationToken cancellation)
    {
        DatabaseConnection? connection = null;
        try
        {
            connection = new DatabaseConnection(await _source.OpenConnectionAsync(cancellation), Dialect);
            if (Dialect.ConnectionSetup is { } setup) await connection.ExecuteAsync(setup, cancellation);
            return connection;
        }
        catch (Exception exception)
        {
            if (connection is not null) await connection.DisposeAsync();
            if (exception is DbException failed) throw Failure(failed);
            throw;
        }
    }

    /// <summary>What a driver's exception means, for people.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="mayBeKept">Whether the connection broke while something may have been kept.</param>
    internal DatabaseException Failure(DbException exception, bool mayBeKept = false)
    {
        var failure = mayBeKept ? DatabaseFailure.Unknown : Dialect.Classify(exception);
        return new DatabaseException(failure, Dialect.Explain(failure, exception), exception);
    }

    private async ValueTask SubmitAsync(PendingWrite write)
    {
        using var span = Telemetry.Span("database write");
        // What is not about one grant may lock rows in any order: in a transaction of its own it waits for nobody while it holds one.
        if (_roundTrips is not null && write.GrantId is null) await _roundTrips.WriteAloneAsync(write);
        else await _writes.SubmitAsync(write);
    }

    private async ValueTask<DatabaseConnection> TakeReaderAsync(CancellationToken cancellation)
    {
        if (!_readers.TryPop(out var connection)) return await OpenAsync(cancellation);
        Interlocked.Decrement(ref _idleReaders);
        return connection;
    }

    private async ValueTask ReturnAsync(DatabaseConnection connection)
    {
        if (Interlocked.Increment(ref _idleReaders) <= Dialect.IdleReaders)
        {
            _readers.Push(connection);
            return;
        }
        Interlocked.Decrement(ref _idleReaders);
        await connection.DisposeAsync();
    }

    // A connection that broke since it was last used says nothing of the server: a read is tried once more, over another one.
    private static async ValueTask<bool> MayReadAgainAsync(DatabaseConnection connection, Exception exception)
    {
        var isBroken = !connection.IsOpen;
        await connection.DisposeAsync();
        return isBroken && exception is DbException;
    }

    // Thrown again as it is, with the place where it came from.
    private static Exception Same(Exception exception)
    {
        ExceptionDispatchInfo.Throw(exception);
        return exception;
    }
}
