using System.Diagnostics;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Chaos.Support;

/// <summary>A PostgreSQL of a test's own, to be killed, started again, copied and promoted. It ends with this process however that ends.</summary>
internal sealed class DatabaseServer : IAsyncDisposable
{
    // A shell that does what it reads line by line. A killed server takes its processes with it: stopped first, it starts no other.
    private const string Script = """
        folder=$(mktemp -d "${TMPDIR:-/tmp}/proofkey-chaos-pg-XXXXXX") || exit 1
        die() {
            [ -f "$folder/data/postmaster.pid" ] && read -r pid <"$folder/data/postmaster.pid" || return 0
            kill -STOP "$pid" || return 0
            kill -KILL $(cat "/proc/$pid/task/$pid/children") "$pid"
            while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$pid/status"; do :; done
            rm -f "$folder/data/postmaster.pid"
        }
        trap : INT TERM HUP
        trap 'die >/dev/null 2>&1; rm -rf "$folder"' EXIT
        echo ready
        while read -r line; do
            if eval "$line" >>"$folder/log" 2>&1 </dev/null; then echo done; else tail -n 5 "$folder/log" | tr '\n' ' '; echo; fi
        done
        """;

    private readonly Process _shell = PostgreSqlPrograms.Run(Script);

    private DatabaseServer()
    {
    }

    public string Host { get; } = $"127.0.0.1:{ServerProcess.FreePort()}";

    public string ConnectionString => ConnectionStringOf(this);

    private string Port => Host[(Host.IndexOf(':', StringComparison.Ordinal) + 1)..];

    /// <summary>One connection string for several, of which one takes writes.</summary>
    public static string ConnectionStringOf(params DatabaseServer[] servers) =>
        $"Host={string.Join(',', servers.Select(server => server.Host))};Username=postgres;Database=postgres";

    /// <summary>Makes an empty one, and starts it.</summary>
    public static async Task<DatabaseServer> NewAsync()
    {
        var server = await OpenAsync();
        await server.DoAsync("initdb -D \"$folder/data\" -U postgres -A trust -E UTF8 --locale=C --no-sync");
        await server.StartAsync();
        return server;
    }

    /// <summary>Makes a copy that follows this one, and has every commit before anybody is told of it.</summary>
    public async Task<DatabaseServer> NewStandbyAsync()
    {
        var standby = await OpenAsync();
        await standby.DoAsync($"pg_basebackup -D \"$folder/data\" -h 127.0.0.1 -p {Port} -U postgres -R -X stream -c fast --no-sync");
        await standby.StartAsync();
        await RunAsync("alter system set synchronous_standby_names = '*'");
        await RunAsync("select pg_reload_conf()");
        while (await CountAsync("select count(*) from pg_stat_replication where sync_state = 'sync'") == 0)
        {
            // Asking takes a while by itself.
        }
        return standby;
    }

    /// <summary>Starts it, with whatever it has kept.</summary>
    // The machine lives on, so what was handed to the system is not lost: nothing waits for a disk here.
    public Task StartAsync() => DoAsync($"pg_ctl -D \"$folder/data\" -l \"$folder/log\" -w -t 60 -o '-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c shared_buffers=32MB -c max_connections=100' start");

    /// <summary>Kills all its processes at once, as a power cut would.</summary>
    public Task KillAsync() => DoAsync("die");

    /// <summary>Makes a backup with its own program.</summary>
    public Task BackUpAsync() => DoAsync($"pg_dump -h 127.0.0.1 -p {Port} -U postgres -Fc -f \"$folder/backup\" postgres");

    /// <summary>Puts the backup back.</summary>
    public Task RestoreAsync() => DoAsync($"pg_restore -h 127.0.0.1 -p {Port} -U postgres --clean --if-exists --single-transaction -d postgres \"$folder/backup\"");

    /// <summary>Makes a standby the one that takes writes.</summary>
    public Task PromoteAsync() => DoAsync("pg_ctl -D \"$folder/data\" -w -t 60 promote");

    public async ValueTask DisposeAsync()
    {
        _shell.StandardInput.Close();
        await _shell.WaitForExitAsync();
        _shell.Dispose();
    }

    private static async Task<DatabaseServer> OpenAsync()
    {
        var server = new DatabaseServer();
        (await server._shell.StandardOutput.ReadLineAsync()).ShouldBe("ready");
        return server;
    }

    private async Task DoAsync(string command)
    {
        await _shell.StandardInput.WriteLineAsync(command);
        await _shell.StandardInput.FlushAsync();
        (await _shell.StandardOutput.ReadLineAsync()).ShouldBe("done", command);
    }

    private Task RunAsync(string sql) => PostgreSqlCluster.RunAsync(ConnectionString + ";Pooling=false", sql);

    private Task<long> CountAsync(string sql) => PostgreSqlCluster.CountAsync(ConnectionString + ";Pooling=false", sql);
}
