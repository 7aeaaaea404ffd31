using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using ProofKey.Tests.PostgreSql;

namespace EndToEnd;

/// <summary>Two <c>proofkey serve</c> of one issuer on one database, with a real PgBouncer in between that has the configuration of docs/scaling.md.</summary>
public sealed class PooledServers : IAsyncDisposable
{
    private const string Program = "/usr/sbin/pgbouncer";

    // Reading ends when this process closes the pipe, or dies: then everything goes. It refuses to run as root, so it runs as PostgreSQL does.
    private const string Script = """
        folder=$(mktemp -d "${TMPDIR:-/tmp}/proofkey-pgbouncer-XXXXXX") || exit 1
        trap : INT TERM HUP
        trap 'kill "$pooler" 2>/dev/null; rm -rf "$folder"' EXIT
        printf '"postgres" ""\n' >"$folder/users"
        while IFS= read -r line && [ "$line" != end ]; do printf '%s\n' "$line"; done | sed "s|/etc/pgbouncer/userlist.txt|$folder/users|" >"$folder/pgbouncer.ini"
        /usr/sbin/pgbouncer "$folder/pgbouncer.ini" >&2 &
        pooler=$!
        read -r _
        """;

    private readonly ProofKeyProgram _program = new();
    private readonly List<ChildProcess> _serving = [];
    private readonly List<OverheardWire> _wires = [];
    private readonly int _port = RunningServer.FreePort();
    private readonly int[] _ports;
    private readonly string _rootKey;
    private readonly Process _pooler;
    private readonly Task<string> _said;

    private PooledServers(string database)
    {
        File.Exists(Program).ShouldBeTrue("These tests put a real pooler between server and database: apt-get install --no-install-recommends pgbouncer");
        _pooler = PostgreSqlPrograms.Run(Script);
        _said = _pooler.StandardError.ReadToEndAsync();
        _pooler.StandardInput.WriteLine(Fitted(database) + "\nend");
        _pooler.StandardInput.Flush();
        _rootKey = Path.Combine(_program.Folder("data"), "root.key");
        File.WriteAllText(_rootKey, new string('7', 64));
        _ports = [RunningServer.FreePort(), RunningServer.FreePort()];
        Issuer = $"http://127.0.0.1:{_ports[0]}";
    }

    /// <summary>The address of both servers.</summary>
    public string Issuer { get; }

    /// <summary>The connection string that the page gives, with the places of this run.</summary>
    public string ConnectionString => PooledConnection().Replace("Port=6432", $"Port={_port}", StringComparison.Ordinal).Replace("Username=proofkey", "Username=postgres", StringComparison.Ordinal);

    /// <summary>Starts both servers at once on an empty database, and adds alice.</summary>
    public static async Task<PooledServers> StartAsync(CancellationToken cancellation)
    {
        var servers = new PooledServers(await PostgreSqlCluster.NewDatabaseAsync());
        await servers.ListeningAsync(cancellation);
        foreach (var known in servers._ports)
        {
            var port = RunningServer.FreePort();
            servers._wires.Add(new OverheardWire(known, port));
            servers._serving.Add(servers._program.Start(["serve", "--urls", $"http://127.0.0.1:{port}", "--issuer", servers.Issuer, .. servers.Place]));
        }
        foreach (var serving in servers._serving) await serving.ReadUntilAsync(new("Ctrl-C stops it"), cancellation);
        await servers._program.OutputOfAsync(["user", "add", "alice", "--password-stdin", .. servers.Place], cancellation, RunningServer.Password);
        return servers;
    }

    /// <summary>The way from the issuer's address to one of the servers, as a load balancer would choose it.</summary>
    public SocketsHttpHandler To(int server) => new()
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _ports[server]), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    /// <summary>Registers a public client.</summary>
    public async Task<string> AddClientAsync(CancellationToken cancellation, params string[] options)
    {
        using var client = JsonDocument.Parse(await OperateAsync(cancellation, ["client", "add", "Terminal", "--public", "--json", .. options]));
        return client.RootElement.GetProperty("client_id").GetString()!;
    }

    /// <summary>Runs a verb of the operator through the pooler, and returns its output.</summary>
    public Task<string> OperateAsync(CancellationToken cancellation, params string[] arguments) => _program.OutputOfAsync([.. arguments, .. Place], cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var serving in _serving) await serving.DisposeAsync();
        foreach (var wire in _wires) await wire.DisposeAsync();
        _pooler.StandardInput.Close();
        await _pooler.WaitForExitAsync(CancellationToken.None);
        _pooler.Dispose();
        _program.Dispose();
    }

    private string[] Place => ["--database", ConnectionString, "--root-key-file", _rootKey];

    // The places of the page become those of this run, and nobody needs a password.
    private string Fitted(string database)
    {
        var parts = database.Split(';').Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1]);
        return Replaced(Block("ini"), ("host=db.example.com", $"host={parts["Host"]}"), ("dbname=proofkey", $"dbname={parts["Database"]}"), ("listen_port = 6432", $"listen_port = {_port}\nunix_socket_dir ="), ("auth_type = scram-sha-256", "auth_type = trust"));
    }

    private static string PooledConnection() => Block("sh").Split("--database \"")[1].Split('"')[0];

    private static string Replaced(string text, params (string From, string To)[] changes)
    {
        foreach (var (from, to) in changes)
        {
            text.ShouldContain(from, customMessage: "what a test changes stands on the page");
            text = text.Replace(from, to, StringComparison.Ordinal);
        }
        return text;
    }

    private static string Block(string kind)
    {
        var parts = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "scaling.md")).Split($"```{kind}\n");
        parts.Length.ShouldBe(2, $"docs/scaling.md has one block of {kind}");
        return parts[1].Split("```")[0].TrimEnd();
    }

    private async Task ListeningAsync(CancellationToken cancellation)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var patience = 200; patience > 0; patience--)
        {
            if (_pooler.HasExited) throw new InvalidOperationException($"The pooler ended: {await _said}");
            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync(IPAddress.Loopback, _port, cancellation);
                return;
            }
            catch (SocketException)
            {
                await ticks.WaitForNextTickAsync(cancellation);
            }
        }
        throw new TimeoutException("The pooler does not listen.");
    }
}
