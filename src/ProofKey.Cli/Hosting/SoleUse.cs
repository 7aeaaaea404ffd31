using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace ProofKey.Cli.Hosting;

/// <summary>Keeps everybody out of the database of a data folder until it is disposed. It is got only while nobody has it open, not even to wait.</summary>
internal sealed class SoleUse : IAsyncDisposable
{
    private const int NotADatabase = 26;
    private const int Corrupt = 11;
    private const int Busy = 5;
    private const int Locked = 6;

    private readonly DbDataSource _source;
    private DbConnection? _connection;

    private SoleUse(DbDataSource source) => _source = source;

    /// <summary>Takes it, at once or not at all.</summary>
    /// <param name="folder">The data folder; its database is there.</param>
    /// <param name="cancellation">Stops.</param>
    /// <returns>What holds it; <see langword="null"/> when the file is damaged, so that nobody can use it.</returns>
    /// <exception cref="CommandException">Somebody uses it.</exception>
    public static async Task<SoleUse?> TakeAsync(DataFolder folder, CancellationToken cancellation)
    {
        var use = new SoleUse(folder.CreateDataSource());
        try
        {
            if (await use.IsGotAsync(cancellation)) return use;
            await use.DisposeAsync();
            throw InUse(folder, null);
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode is NotADatabase or Corrupt)
        {
            await use.DisposeAsync();
            return null;
        }
        catch (SqliteException exception)
        {
            await use.DisposeAsync();
            if (exception.SqliteErrorCode is Busy or Locked) throw InUse(folder, exception);
            throw DatabaseReplacement.Unusable(folder.DatabaseFile, exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync();
        await _source.DisposeAsync();
    }

    // Without its log the database is one file again, and that works only when nobody else has it open. Whoever opens it between the two steps brings the
    // log back, and would go on in this file for ever; so it is asked once more, behind the lock.
    private async Task<bool> IsGotAsync(CancellationToken cancellation)
    {
        const string WithoutLog = "delete";
        _connection = await _source.OpenConnectionAsync(cancellation);
        await using var command = _connection.CreateCommand();
        command.CommandTimeout = 2;
        command.CommandText = "pragma journal_mode = delete";
        if (await command.ExecuteScalarAsync(cancellation) is not WithoutLog) return false;
        command.CommandText = "begin exclusive";
        await command.ExecuteNonQueryAsync(cancellation);
        command.CommandText = "pragma journal_mode";
        return await command.ExecuteScalarAsync(cancellation) is WithoutLog;
    }

    private static CommandException InUse(DataFolder folder, Exception? inner) =>
        new(ExitCodes.Failed, $"The database in {folder.Location} is in use; nothing was changed.", "Stop the server, and every other command on it, and try again.", inner);
}
