using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using EndToEnd;

[assembly: AssemblyFixture(typeof(RunningServer))]

namespace EndToEnd;

/// <summary><c>proofkey serve</c> on a free port and an empty data folder, and one person, alice, who has an account there.</summary>
public sealed class RunningServer : IAsyncLifetime
{
    public const string Password = "correct horse battery staple";

    private readonly ProofKeyProgram _program = new();
    private readonly string _data;
    private ChildProcess? _serving;
    private OverheardWire? _wire;

    public RunningServer()
    {
        _data = _program.Folder("data");
        Issuer = $"http://127.0.0.1:{FreePort()}";
    }

    /// <summary>The address of the server, which is its issuer.</summary>
    public string Issuer { get; }

    /// <summary>A port that nobody listens on at this moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask InitializeAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var port = FreePort();
        _wire = new OverheardWire(new Uri(Issuer).Port, port);
        _serving = _program.Start("serve", "--urls", $"http://127.0.0.1:{port}", "--issuer", Issuer, "--data", _data);
        await ReadyAsync(cancellation);
        await _program.OutputOfAsync(["user", "add", "alice", "--email", "alice@example.com", "--password-stdin", "--data", _data], cancellation, Password);
    }

    /// <summary>Registers a client while the server runs, as an operator would.</summary>
    /// <returns>Its client id.</returns>
    public async Task<string> AddClientAsync(string name, CancellationToken cancellation, params string[] options)
    {
        var json = await _program.OutputOfAsync(["client", "add", name, "--public", "--json", "--data", _data, .. options], cancellation);
        using var client = JsonDocument.Parse(json);
        return client.RootElement.GetProperty("client_id").GetString()!;
    }

    /// <summary>Registers a client that has a secret.</summary>
    /// <returns>Its client id and its secret.</returns>
    public async Task<(string Id, string Secret)> AddConfidentialClientAsync(string name, CancellationToken cancellation, params string[] options)
    {
        var json = await _program.OutputOfAsync(["client", "add", name, "--confidential", "--json", "--data", _data, .. options], cancellation);
        using var client = JsonDocument.Parse(json);
        return (client.RootElement.GetProperty("client_id").GetString()!, client.RootElement.GetProperty("client_secret").GetString()!);
    }

    /// <summary>Runs a verb of the operator on the server's data folder, and returns its output.</summary>
    public Task<string> OperateAsync(CancellationToken cancellation, params string[] arguments) => _program.OutputOfAsync([.. arguments, "--data", _data], cancellation);

    /// <summary>Adds a person while the server runs.</summary>
    public Task AddUserAsync(string name, CancellationToken cancellation) => _program.OutputOfAsync(["user", "add", name, "--password-stdin", "--data", _data], cancellation, Password);

    public async ValueTask DisposeAsync()
    {
        if (_serving is not null)
            await _serving.DisposeAsync();
        if (_wire is not null)
            await _wire.DisposeAsync();
        _program.Dispose();
    }

    private async Task ReadyAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await AnswersAsync(http, cancellation))
        {
            if (_serving!.HasEnded(out var said))
                throw new InvalidOperationException($"proofkey serve did not start. It said:\n{said}");
            await ticks.WaitForNextTickAsync(cancellation);
        }
    }

    private async Task<bool> AnswersAsync(HttpClient http, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"{Issuer}/.well-known/oauth-authorization-server"), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
