using System.Data;
using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>One open connection with its prepared statements, which are kept as long as the connection lives.</summary>
internal sealed class DatabaseConnection(DbConnection connection, DatabaseDialect dialect) : IAsyncDisposable
{
    private readonly Dictionary<string, DbCommand> _prepared = new(ReferenceEqualityComparer.Instance);

    /// <summary>Whether the driver waits for each statement as long as it takes.</summary>
    public bool WaitsForever { get; set; }

    /// <summary>Whether it still works; a driver closes one that broke.</summary>
    public bool IsOpen => connection.State == ConnectionState.Open;

    /// <summary>The prepared command of a statement, with the statement's values in it.</summary>
    public DbCommand Prepare(Sql sql)
    {
        if (!_prepared.TryGetValue(sql.Text, out var command)) _prepared.Add(sql.Text, command = Create(sql));
        var values = sql.Values;
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        if (WaitsForever) command.CommandTimeout = 0;
        return command;
    }

    /// <summary>Runs a statement for its effect.</summary>
    public async Task<int> ExecuteAsync(Sql sql, CancellationToken cancellation) => await Prepare(sql).ExecuteNonQueryAsync(cancellation);

    /// <summary>Runs a constant text for its effect.</summary>
    public async Task ExecuteAsync(string text, CancellationToken cancellation) => await Constant(text).ExecuteNonQueryAsync(cancellation);

    /// <summary>The command of a constant text.</summary>
    public DbCommand Constant(string text)
    {
        if (!_prepared.TryGetValue(text, out var command))
        {
            command = connection.CreateCommand();
#pragma warning disable CA2100 // the texts that come this way are constants of the program
            command.CommandText = text;
#pragma warning restore CA2100
            _prepared.Add(text, command);
        }
        if (WaitsForever) command.CommandTimeout = 0;
        return command;
    }

    /// <summary>Adds whole rows to a table of ours, in one round trip.</summary>
    public async Task InsertAsync(string table, IReadOnlyList<(string Name, DbType Type)> columns, IReadOnlyList<object[]> rows, CancellationToken cancellation)
    {
        var text = $"insert into {table} ({string.Join(", ", columns.Select(column => column.Name))}) values ({string.Join(", ", columns.Select((_, number) => $"${number + 1}"))})";
        await using var batch = connection.CreateBatch();
        foreach (var row in rows)
        {
            var command = Add(batch, text);
            for (var i = 0; i < row.Length; i++)
            {
                var parameter = command.CreateParameter();
                if (dialect.NamesParameters) parameter.ParameterName = $"${i + 1}";
                (parameter.DbType, parameter.Value) = (columns[i].Type, row[i]);
                command.Parameters.Add(parameter);
            }
        }
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Runs queries in one round trip, and hands each its first row, if it has one.</summary>
    public async Task FindTogetherAsync(IReadOnlyList<PendingRead> reads)
    {
        await using var batch = connection.CreateBatch();
        foreach (var read in reads) Add(batch, read.Sql);
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var read in reads)
        {
            if (await reader.ReadAsync()) read.Take(reader);
            await reader.NextResultAsync();
        }
    }

    /// <summary>Runs all statements in one round trip, and hands their results out. Without <c>begin</c> they are one transaction of their own.</summary>
    /// <param name="begin">What opens a transaction that goes on afterwards, or nothing.</param>
    /// <param name="writes">The statements.</param>
    public async Task ExecuteTogetherAsync(string? begin, IReadOnlyList<PendingWrite> writes)
    {
        await using var batch = connection.CreateBatch();
        if (begin is not null) Add(batch, begin);
        foreach (var write in writes) Add(batch, write.Sql);
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            // A result for each statement that returns rows, in their order; the others have none.
            foreach (var write in writes)
            {
                if (!write.Returns) continue;
                await write.TakeAsync(reader);
                await reader.NextResultAsync();
            }
        }
        var first = batch.BatchCommands.Count - writes.Count;
        for (var i = 0; i < writes.Count; i++)
            if (!writes[i].Returns) writes[i].Take(batch.BatchCommands[first + i].RecordsAffected);
    }

    /// <summary>Runs each statement in a transaction of its own, all in one round trip. None of them returns rows.</summary>
    /// <param name="separate">Makes them so.</param>
    /// <param name="writes">The statements; each gets the number of its rows, and one that failed gets -1.</param>
    public async Task ExecuteSeparatelyAsync(Action<DbBatch> separate, IReadOnlyList<PendingWrite> writes)
    {
        await using var batch = connection.CreateBatch();
        foreach (var write in writes) Add(batch, write.Sql);
        separate(batch);
        try
        {
            await batch.ExecuteNonQueryAsync();
        }
        catch (DbException) when (IsOpen)
        {
            // One of them failed, and the others went on.
        }
        for (var i = 0; i < writes.Count; i++) writes[i].Take(batch.BatchCommands[i].RecordsAffected);
    }

    /// <summary>Runs statements and commits, in one round trip.</summary>
    public async Task CommitAsync(IReadOnlyList<Sql> last)
    {
        await using var batch = connection.CreateBatch();
        foreach (var sql in last) Add(batch, sql);
        Add(batch, "commit");
        await batch.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var command in _prepared.Values) await command.DisposeAsync();
        await connection.DisposeAsync();
    }

    private DbCommand Create(Sql sql)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Sql admits constants and parameters only
        command.CommandText = sql.Text;
#pragma warning restore CA2100
        for (var i = 0; i < sql.Values.Length; i++)
        {
            var parameter = command.CreateParameter();
            Name(parameter, i, sql);
            command.Parameters.Add(parameter);
        }
        return command;
    }

    private void Add(DbBatch batch, Sql sql)
    {
        var command = Add(batch, sql.Text);
        for (var i = 0; i < sql.Values.Length; i++)
        {
            var parameter = command.CreateParameter();
            Name(parameter, i, sql);
            parameter.Value = sql.Values[i];
            command.Parameters.Add(parameter);
        }
    }

    private static DbBatchCommand Add(DbBatch batch, string text)
    {
        var command = batch.CreateBatchCommand();
#pragma warning disable CA2100 // Sql admits constants and parameters only, and other texts are constants of the program
        command.CommandText = text;
#pragma warning restore CA2100
        batch.BatchCommands.Add(command);
        return command;
    }

    // The type is said, since a database that checks statements before their values cannot tell it from an absent one.
    private void Name(DbParameter parameter, int number, Sql sql)
    {
        if (dialect.NamesParameters) parameter.ParameterName = $"${number + 1}";
        parameter.Direction = ParameterDirection.Input;
        parameter.DbType = sql.Types[number];
    }
}
