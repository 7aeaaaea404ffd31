using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>On which side of a statement a server stops.</summary>
public enum Side
{
    Before,
    After,
}

/// <summary>A place where the server has stopped, or is going to.</summary>
internal sealed class FaultPoint(Side side, Func<string, bool> statement)
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The server stands there.</summary>
    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    public void Release() => _released.TrySetResult();

    public bool Fits(Side where, string text) => where == side && statement(text);

    public Task StopAsync()
    {
        _reached.TrySetResult();
        return _released.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }
}

/// <summary>
/// A database that stops the server in front of a statement, or behind it, until the test lets it go on: so that two things that could
/// happen in either order happen in the one that is asked for. It wraps the data source of any database.
/// </summary>
internal sealed class PausingDataSource(DbDataSource inner) : DbDataSource
{
    private FaultPoint? _next;

    public override string ConnectionString => inner.ConnectionString;

    /// <summary>Stops whoever comes to such a statement next, once.</summary>
    public FaultPoint StopOnce(Side side, Func<string, bool> statement) => _next = new FaultPoint(side, statement);

    /// <summary>Where a write begins: everything has been checked, nothing is locked.</summary>
    public FaultPoint StopBeforeWriting() => StopOnce(Side.Before, text => text.StartsWith("begin", StringComparison.Ordinal));

    /// <summary>Where a write is kept for good, and nobody has been told.</summary>
    public FaultPoint StopAfterCommit() => StopOnce(Side.After, text => text == "commit");

    protected override DbConnection CreateDbConnection() => new Connection(inner.CreateConnection(), this);

    protected override async ValueTask DisposeAsyncCore()
    {
        await inner.DisposeAsync();
        await base.DisposeAsyncCore();
    }

    private async Task PassAsync(Side side, string text)
    {
        if (Volatile.Read(ref _next) is { } point && point.Fits(side, text) && Interlocked.CompareExchange(ref _next, null, point) == point) await point.StopAsync();
    }

    private sealed class Connection(DbConnection inner, PausingDataSource source) : DbConnection
    {
        [AllowNull]
        public override string ConnectionString { get => inner.ConnectionString; set => inner.ConnectionString = value; }

        public override string Database => inner.Database;

        public override string DataSource => inner.DataSource;

        public override string ServerVersion => inner.ServerVersion;

        public override ConnectionState State => inner.State;

        public override void ChangeDatabase(string databaseName) => inner.ChangeDatabase(databaseName);

        public override void Open() => inner.Open();

        public override Task OpenAsync(CancellationToken cancellationToken) => inner.OpenAsync(cancellationToken);

        public override void Close() => inner.Close();

        protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) => inner.BeginTransaction(isolationLevel);

        protected override DbCommand CreateDbCommand() => new Command(inner.CreateCommand(), source);

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Command(DbCommand inner, PausingDataSource source) : DbCommand
    {
        [AllowNull]
#pragma warning disable CA2100 // what the server prepared is handed on
        public override string CommandText { get => inner.CommandText; set => inner.CommandText = value; }
#pragma warning restore CA2100

        public override int CommandTimeout { get => inner.CommandTimeout; set => inner.CommandTimeout = value; }

        public override CommandType CommandType { get => inner.CommandType; set => inner.CommandType = value; }

        public override bool DesignTimeVisible { get => inner.DesignTimeVisible; set => inner.DesignTimeVisible = value; }

        public override UpdateRowSource UpdatedRowSource { get => inner.UpdatedRowSource; set => inner.UpdatedRowSource = value; }

        protected override DbConnection? DbConnection { get => inner.Connection; set => inner.Connection = value; }

        protected override DbParameterCollection DbParameterCollection => inner.Parameters;

        protected override DbTransaction? DbTransaction { get => inner.Transaction; set => inner.Transaction = value; }

        public override void Cancel() => inner.Cancel();

        public override void Prepare() => inner.Prepare();

        public override int ExecuteNonQuery() => inner.ExecuteNonQuery();

        public override object? ExecuteScalar() => inner.ExecuteScalar();

        public override async Task<int> ExecuteNonQueryAsync(CancellationToken cancellationToken)
        {
            await source.PassAsync(Side.Before, CommandText);
            var rows = await inner.ExecuteNonQueryAsync(cancellationToken);
            await source.PassAsync(Side.After, CommandText);
            return rows;
        }

        protected override DbParameter CreateDbParameter() => inner.CreateParameter();

        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => inner.ExecuteReader(behavior);

        protected override async Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken)
        {
            await source.PassAsync(Side.Before, CommandText);
            return await inner.ExecuteReaderAsync(behavior, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
