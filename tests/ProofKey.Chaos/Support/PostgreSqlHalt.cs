using System.Globalization;
using Npgsql;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Chaos.Support;

/// <summary>
/// A place in PostgreSQL at which writes of a kind stand still: behind their statement, or in their commit. The product knows nothing of it: triggers
/// ask for a lock that nobody holds but this.
/// </summary>
internal sealed class PostgreSqlHalt : IAsyncDisposable
{
    /// <summary>What the connections of the server are called that is going to die.</summary>
    public const string Victim = "victim";

    private readonly NpgsqlConnection _connection;

    private PostgreSqlHalt(NpgsqlConnection connection) => _connection = connection;

    /// <summary>Makes the triggers; nobody stands there yet.</summary>
    public static async Task PrepareAsync(string connectionString)
    {
        await PostgreSqlCluster.RunAsync(connectionString, "create function halt() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint); return null; end'");
        foreach (var (number, write) in GrantWrite.All.Index())
        {
            await PostgreSqlCluster.RunAsync(connectionString, $"create trigger halt_{number} after {write.Event} on authorization_grant for each row execute function halt({KeyOf(write, isCommitting: false)})");
            await PostgreSqlCluster.RunAsync(connectionString, $"create constraint trigger halt_commit_{number} after {write.Event} on authorization_grant deferrable initially deferred for each row execute function halt({KeyOf(write, isCommitting: true)})");
        }
    }

    /// <summary>Halts writes from now on, and returns when one stands there.</summary>
    public static async Task<PostgreSqlHalt> AtAsync(string connectionString, GrantWrite write, bool isCommitting)
    {
        var self = new PostgreSqlHalt(new NpgsqlConnection(connectionString + ";Pooling=false"));
        await self._connection.OpenAsync();
        await self.RunAsync($"select pg_advisory_lock({KeyOf(write, isCommitting)})");
        await self.UntilAsync("select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted");
        return self;
    }

    /// <summary>How often a write was kept by now.</summary>
    public async Task<long> KeptAsync(GrantWrite write)
    {
        await using var command = new NpgsqlCommand(write.Kept, _connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>Lets what stands there go on, though whoever asked for it is dead, and waits until it is done.</summary>
    public async Task GoOnAsync()
    {
        await RunAsync("select pg_advisory_unlock_all()");
        await GoneAsync();
    }

    /// <summary>Gives up what stands there.</summary>
    public async Task GiveUpAsync()
    {
        await RunAsync($"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{Victim}'");
        await GoneAsync();
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static int KeyOf(GrantWrite write, bool isCommitting) => (isCommitting ? 20 : 10) + GrantWrite.All.Index().First(known => known.Item == write).Index;

    private Task GoneAsync() => UntilAsync($"select count(*) = 0 from pg_stat_activity where application_name = '{Victim}'");

    private async Task UntilAsync(string condition)
    {
        await using var command = new NpgsqlCommand(condition, _connection);
        while (await command.ExecuteScalarAsync() is not true)
        {
            // Asking takes a while by itself.
        }
    }

    private async Task RunAsync(string sql)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync();
    }
}
