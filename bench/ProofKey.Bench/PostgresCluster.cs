using System.Diagnostics;
using System.Globalization;

namespace ProofKey.Bench;

/// <summary>
/// A PostgreSQL of one contestant's own, in a temporary folder, reached through a socket in it. Its settings are those that it comes with (fsync,
/// synchronous_commit and full_page_writes on), but for checkpoints, which come by order alone.
/// </summary>
internal sealed class PostgresCluster : IDisposable
{
    public const string User = "postgres";
    public const string Database = "bench";

    // Reading ends when this process closes the pipe, or dies: then everything goes. A signal ends it as well, and not before all is gone.
    private const string Script = """
        folder=$(mktemp -d "${TMPDIR:-/tmp}/proofkey-bench-pg-XXXXXX") || exit 1
        trap : INT TERM HUP
        trap 'pg_ctl -D "$folder/data" -m immediate stop >/dev/null 2>&1; rm -rf "$folder"' EXIT
        initdb -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
        pg_ctl -D "$folder/data" -l "$folder/log" -w -t 60 -o "-c listen_addresses= -c unix_socket_directories=$folder -c checkpoint_timeout=1h -c max_wal_size=32GB" start >/dev/null 2>&1 || { cat "$folder/log" >&2; exit 1; }
        createdb -h "$folder" -U postgres bench || exit 1
        echo "$folder"
        head -n 1 "$folder/data/postmaster.pid"
        read -r _
        """;

    private const string CountRows = """
        select coalesce(sum((xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I.%I', schemaname, relname), false, true, '')))[1]::text::bigint), 0) from pg_stat_user_tables
        """;

    private readonly Process _shell;
    private readonly string _programs;

    private PostgresCluster(Process shell, string programs, string host, int postmaster)
    {
        (_shell, _programs, Host) = (shell, programs, host);
        Tree = new ProcessTree(postmaster);
        Endings.Add(this);
    }

    /// <summary>The folder of the socket.</summary>
    public string Host { get; }

    /// <summary>The postmaster and all below it.</summary>
    public ProcessTree Tree { get; }

    /// <summary>For drivers, ours among them.</summary>
    public string ConnectionString => ConnectionStringAt(Host);

    /// <summary>The same by way of another socket.</summary>
    public static string ConnectionStringAt(string host) => $"Host={host};Username={User};Database={Database}";

    public static async Task<PostgresCluster> StartAsync()
    {
        var programs = ProgramFolder();
        string[] command = ["env", $"PATH={programs}:{Environment.GetEnvironmentVariable("PATH")}", "sh", "-c", Script];
        // It refuses to run as root; Debian's package has a user for it.
        if (Environment.UserName == "root") command = ["runuser", "-u", "postgres", "--", .. command];
        // In a session of its own, a signal to all programs of this run does not kill what has to clean up after them.
        command = ["setsid", .. command];
        var shell = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var errors = shell.StandardError.ReadToEndAsync();
        var (folder, postmaster) = (await shell.StandardOutput.ReadLineAsync(), await shell.StandardOutput.ReadLineAsync());
        if (folder is null || postmaster is null) throw new InvalidOperationException($"PostgreSQL did not start: {await errors}");
        return new PostgresCluster(shell, programs, folder, int.Parse(postmaster, CultureInfo.InvariantCulture));
    }

    /// <summary>The rows of all tables, and the bytes of all tables and indexes.</summary>
    public (long Rows, long Bytes) Size() => (Number(CountRows), Number("select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_stat_user_tables"));

    /// <summary>The megabytes of all tables, and of all indexes.</summary>
    public (double Tables, double Indexes) Megabytes() =>
        (Number("select coalesce(sum(pg_table_size(relid)), 0) from pg_stat_user_tables") / 1e6, Number("select coalesce(sum(pg_indexes_size(relid)), 0) from pg_stat_user_tables") / 1e6);

    /// <summary>Updates so far, and how many of them wrote no index (HOT). Other backends report theirs with a delay.</summary>
    public (long All, long Hot) Updates() =>
        (Number("select coalesce(sum(n_tup_upd), 0) from pg_stat_user_tables"), Number("select coalesce(sum(n_tup_hot_upd), 0) from pg_stat_user_tables"));

    /// <summary>Transactions that were committed so far. Other backends report theirs with a delay.</summary>
    public long Commits() => Number("select xact_commit from pg_stat_database where datname = current_database()");

    /// <summary>How often the log was made to reach the disk so far (version 14 or newer). Told with the same delay.</summary>
    public long Syncs() => Number("select wal_sync from pg_stat_wal");

    /// <summary>Where the log ends now.</summary>
    public string LogPosition() => Ask("select pg_current_wal_insert_lsn()");

    public void Checkpoint() => Ask("checkpoint");

    /// <summary>The bytes of the log between two places, and the part of them that is images of whole pages.</summary>
    public (long Bytes, double ImageShare) LogBetween(string start, string end)
    {
        if (Number($"select pg_wal_lsn_diff('{end}', '{start}')::bigint") == 0) return (0, 0);
        // The last record may be cut off: what is asked for ends at a record.
        Ask("select pg_switch_wal()");
        var total = Run("pg_waldump", "--stats", "--path", Path.Combine(Host, "data", "pg_wal"), "--start", start, "--end", end).Split('\n').Last(line => line.StartsWith("Total", StringComparison.Ordinal));
        // Total  N  <record size> [n%]  <image size> [n%]  <both> [100%]
        var numbers = total.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Select(word => long.Parse(word, CultureInfo.InvariantCulture)).ToList();
        return (Number($"select pg_wal_lsn_diff('{end}', '{start}')::bigint"), numbers[2] / (double)numbers[3]);
    }

    public string Version() => Ask("show server_version");

    public void Dispose() => Endings.End(this, () =>
    {
        _shell.StandardInput.Close();
        _shell.WaitForExit();
        _shell.Dispose();
    });

    private long Number(string sql) => long.Parse(Ask(sql), CultureInfo.InvariantCulture);

    private string Ask(string sql) => Run("psql", "-h", Host, "-U", User, "-d", Database, "-XAtc", sql).Trim();

    private string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(_programs, program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program}: {errors.GetAwaiter().GetResult()}");
    }

    // Debian keeps the programs of each version apart, and off the path.
    private static string ProgramFolder()
    {
        const string Debian = "/usr/lib/postgresql";
        var folders = Directory.Exists(Debian) ? Directory.GetDirectories(Debian).Select(version => Path.Combine(version, "bin")) : [];
        var all = folders.OrderDescending(StringComparer.Ordinal).Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'));
        return all.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_waldump")))
            ?? throw new InvalidOperationException("PostgreSQL is missing; install it with: apt-get install postgresql");
    }
}
