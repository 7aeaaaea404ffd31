using System.Data;
using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>One open connection with its prepared statements, which are kept as long as the connection lives.</summary>
internal sealed class DatabaseConnection(DbConnection connection) : IAsyncDisposable
{
    private readonly Dictionary<string, DbCommand> _prepared = new(ReferenceEqualityComparer.Instance);

    /// <summary>The prepared command of a statement, with the statement's values in it.</summary>
    public DbCommand Prepare(Sql sql)
    {
        if (!_prepared.TryGetValue(sql.Text, out var command)) _prepared.Add(sql.Text, command = Create(sql));
        var values = sql.Values;
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        return command;
    }

    /// <summary>Runs a statement for its effect.</summary>
    public async Task<int> ExecuteAsync(Sql sql, CancellationToken cancellation) => await Prepare(sql).ExecuteNonQueryAsync(cancellation);

    /// <summary>Runs a constant text for its effect.</summary>
    public async Task ExecuteAsync(string text, CancellationToken cancellation)
    {
        if (!_prepared.TryGetValue(text, out var command))
        {
            command = connection.CreateCommand();
#pragma warning disable CA2100 // the texts that come this way are constants of the program
            command.CommandText = text;
#pragma warning restore CA2100
            _prepared.Add(text, command);
        }
        await command.ExecuteNonQueryAsync(cancellation);
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
            parameter.ParameterName = $"@p{i}";
            parameter.Direction = ParameterDirection.Input;
            command.Parameters.Add(parameter);
        }
        return command;
    }
}
