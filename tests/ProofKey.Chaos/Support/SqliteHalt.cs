using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using ProofKey.Cli.Hosting;

namespace ProofKey.Chaos.Support;

/// <summary>
/// A place in SQLite at which writes of a kind stand still, behind their statement and before their commit: a trigger that counts for hours. The
/// product knows nothing of it.
/// </summary>
internal sealed class SqliteHalt : IAsyncDisposable
{
    private const int Busy = 5;

    private readonly DbDataSource _source;

    private SqliteHalt(DbDataSource source) => _source = source;

    /// <summary>Halts writes from now on, and returns when one stands there.</summary>
    public static async Task<SqliteHalt> AtAsync(DataPlace place, GrantWrite write)
    {
        var self = new SqliteHalt(place.CreateDataSource());
        await self.RunAsync($"create trigger halt after {write.Event} on authorization_grant begin select count(*) from sqlite_master a, sqlite_master b, sqlite_master c, sqlite_master d, sqlite_master e, sqlite_master f, sqlite_master g; end");
        while (await self.MayWriteAsync())
        {
            // Asking takes a while by itself.
        }
        return self;
    }

    /// <summary>How often a write was kept by now.</summary>
    public async Task<long> KeptAsync(GrantWrite write)
    {
        await using var command = _source.CreateCommand(write.Kept);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>Takes the halt away, after whoever stood there has died.</summary>
    public async ValueTask DisposeAsync()
    {
        await RunAsync("drop trigger halt");
        await _source.DisposeAsync();
    }

    // Whoever stands there is the one writer for longer than any other write takes.
    private async Task<bool> MayWriteAsync()
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var command = connection.CreateCommand();
        (command.CommandText, command.CommandTimeout) = ("begin immediate; rollback", 1);
        try
        {
            await command.ExecuteNonQueryAsync();
            return true;
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode == Busy)
        {
            return false;
        }
    }

    private async Task RunAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
