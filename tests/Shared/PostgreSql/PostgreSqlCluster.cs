using System.Diagnostics;
using Npgsql;

[assembly: AssemblyFixture(typeof(ProofKey.Tests.PostgreSql.PostgreSqlCluster))]

namespace ProofKey.Tests.PostgreSql;

/// <summary>
/// A PostgreSQL of this run's own, in a temporary folder and reached through a socket in it, so that no two runs meet. It starts with the
/// first test that asks for it, and ends with this process however that ends.
/// </summary>
public sealed class PostgreSqlCluster : IAsyncDisposable
{
    /// <summary>A user who needs <see cref="Password"/>; everybody else is let in.</summary>
    public const string GuardedUser = "guarded";

    public const string Password = "pg-correct-horse";

    // Reading ends when this process closes the pipe, or dies: then everything goes. A signal ends it as well, and not before all is gone.
    // Nothing here has to survive a crash of the machine.
    private const string Script = """
        folder=$(mktemp -d "${TMPDIR:-/tmp}/proofkey-pg-XXXXXX") || exit 1
        trap : INT TERM HUP
        trap 'pg_ctl -D "$folder/data" -m immediate stop >/dev/null 2>&1; rm -rf "$folder"' EXIT
        initdb -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
        sed -i '1i local all guarded scram-sha-256' "$folder/data/pg_hba.conf"
        pg_ctl -D "$folder/data" -l "$folder/log" -w -t 60 -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB -c deadlock_timeout=200ms" start >/dev/null 2>&1 || { cat "$folder/log" >&2; exit 1; }
        echo "$folder"
        read -r _
        """;

    private static readonly SemaphoreSlim Starting = new(1);
    private static Process? _process;
    private static string? _folder;
    private static int _databases;

    /// <summary>Makes an empty database.</summary>
    /// <returns>Its connection string.</returns>
    public static async Task<string> NewDatabaseAsync()
    {
        var host = await FolderAsync();
        var name = $"proofkey_{Interlocked.Increment(ref _databases)}";
        await RunAsync($"Host={host};Username=postgres;Database=postgres;Pooling=false", $"create database {name}");
        return $"Host={host};Username=postgres;Database={name}";
    }

    /// <summary>Runs a statement over a connection of its own.</summary>
    public static async Task RunAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Reads one number.</summary>
    public static async Task<long> CountAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null) return;
        NpgsqlConnection.ClearAllPools();
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    private static async Task<string> FolderAsync()
    {
        await Starting.WaitAsync();
        try
        {
            return _folder ??= await StartAsync();
        }
        finally
        {
            Starting.Release();
        }
    }

    private static async Task<string> StartAsync()
    {
        _process = PostgreSqlPrograms.Run(Script);
        var errors = _process.StandardError.ReadToEndAsync();
        var folder = await _process.StandardOutput.ReadLineAsync();
        if (folder is null) throw new InvalidOperationException($"PostgreSQL did not start: {await errors}");
        await RunAsync($"Host={folder};Username=postgres;Database=postgres;Pooling=false", $"create role {GuardedUser} login password '{Password}'");
        return folder;
    }
}
