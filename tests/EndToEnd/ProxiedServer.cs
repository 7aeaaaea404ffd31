using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace EndToEnd;

/// <summary>What a server behind a proxy is started with, besides the configuration in docs/proxy.md.</summary>
public sealed record ProxySetup
{
    /// <summary>nginx or haproxy.</summary>
    public required string Proxy { get; init; }

    /// <summary>The path of the issuer.</summary>
    public string Path { get; init; } = "";

    /// <summary>What of the proxy's configuration is changed: the first is replaced by the second.</summary>
    public (string From, string To)[] Changes { get; init; } = [];

    /// <summary>Another issuer than the public address.</summary>
    public Func<string, string> Issuer { get; init; } = address => address;

    /// <summary>Whom the server believes.</summary>
    public string[] Trusted { get; init; } = ["127.0.0.1"];
}

/// <summary><c>proofkey serve</c> behind a real nginx or haproxy that terminates https, with the configuration of docs/proxy.md.</summary>
public sealed class ProxiedServer : IAsyncDisposable
{
    private const string Host = "login.example";

    private readonly ProofKeyProgram _program = new();
    private readonly TestCertificate _certificate;
    private readonly int _port = RunningServer.FreePort();
    private readonly List<ChildProcess> _running = [];
    private readonly int _serverPort = RunningServer.FreePort();
    private readonly OverheardWire _wire;

    private ProxiedServer(string path)
    {
        _wire = new OverheardWire(BackendPort, _serverPort);
        _certificate = TestCertificate.Write(_program.Folder("certificate"), Host);
        Data = _program.Folder("data");
        Address = $"https://{Host}:{_port}{path}";
    }

    /// <summary>The public address, which is the issuer unless a test wants another.</summary>
    public string Address { get; }

    /// <summary>The data folder of the server.</summary>
    public string Data { get; }

    /// <summary>Where the proxy finds the server.</summary>
    public int BackendPort { get; } = RunningServer.FreePort();

    public static async Task<ProxiedServer> StartAsync(ProxySetup setup, CancellationToken cancellation)
    {
        var server = new ProxiedServer(setup.Path);
        var serving = server._program.Start(["serve", "--urls", $"http://127.0.0.1:{server._serverPort}", "--issuer", setup.Issuer(server.Address), .. setup.Trusted.SelectMany(address => (string[])["--trusted-proxy", address]), "--data", server.Data]);
        server._running.Add(serving);
        await serving.ReadUntilAsync(new("Ctrl-C stops it"), cancellation);
        await server._program.OutputOfAsync(["user", "add", "alice", "--password-stdin", "--data", server.Data], cancellation, RunningServer.Password);
        server._running.Add(setup.Proxy == "nginx" ? server.StartNginx(setup) : server.StartHaproxy(setup));
        await server.ListeningAsync(cancellation);
        return server;
    }

    /// <summary>Runs a verb of the operator on the server's data folder, and returns its output.</summary>
    public Task<string> OperateAsync(CancellationToken cancellation, params string[] arguments) => _program.OutputOfAsync([.. arguments, "--data", Data], cancellation);

    /// <summary>Looks at the server with <c>proofkey doctor</c>, which trusts the certificate: what each check found.</summary>
    public async Task<(int ExitCode, Dictionary<string, string> Findings)> DoctorAsync(CancellationToken cancellation, params string[] options)
    {
        using var tunnel = new Tunnel(_port);
        var trusting = new Dictionary<string, string> { ["SSL_CERT_FILE"] = _certificate.Path, ["HTTPS_PROXY"] = tunnel.Address };
        await using var doctor = _program.Start(trusting, ["doctor", "--server", Address, "--json", .. options]);
        var result = await doctor.ExitAsync(cancellation);
        using var findings = JsonDocument.Parse(result.Output);
        return (result.ExitCode, findings.RootElement.EnumerateArray().ToDictionary(
            finding => finding.GetProperty("name").GetString()!, finding => $"{finding.GetProperty("state").GetString()}: {finding.GetProperty("text").GetString()}"));
    }

    /// <summary>The way from an address of this machine to the proxy, for a client that trusts its certificate.</summary>
    public SocketsHttpHandler From(string address) => new()
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 shown && shown.GetCertHashString(HashAlgorithmName.SHA256) == _certificate.Thumbprint },
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _port), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _running) await process.DisposeAsync();
        await _wire.DisposeAsync();
        _program.Dispose();
    }

    private ChildProcess StartNginx(ProxySetup setup)
    {
        var server = Snippet("nginx");
        if (setup.Path.Length > 0) server = server.Replace("    location / { proxy_pass http://127.0.0.1:8080; }\n", Snippet("nginx-path"), StringComparison.Ordinal);
        var folder = _program.Folder("nginx");
        var temporary = string.Join(' ', ((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(name => $"{name}_temp_path {folder}/{name};"));
        var text = $"daemon off; master_process off; pid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off; {temporary}\n{Fitted(server, setup)}}}\n";
        return Start("nginx", text, file => ["-e", "stderr", "-p", folder, "-c", file]);
    }

    private ChildProcess StartHaproxy(ProxySetup setup)
    {
        var text = Snippet("haproxy");
        if (setup.Path.Length > 0) text = text.Replace("    default_backend proofkey\n", Snippet("haproxy-path"), StringComparison.Ordinal);
        // One file with both.
        File.AppendAllText(_certificate.Path, "\n" + File.ReadAllText(_certificate.KeyPath));
        return Start("haproxy", Fitted(text, setup), file => ["-db", "-f", file]);
    }

    private ChildProcess Start(string name, string configuration, Func<string, string[]> arguments)
    {
        var program = $"/usr/sbin/{name}";
        File.Exists(program).ShouldBeTrue($"These tests put a real proxy in front of the server: apt-get install --no-install-recommends {name}");
        var file = Path.Combine(_program.Folder(name), "configuration");
        File.WriteAllText(file, configuration);
        return ChildProcess.Start(program, arguments(file), new Dictionary<string, string>());
    }

    // The places and ports of the page become those of this run, and nothing else changes that a test does not ask for.
    private string Fitted(string text, ProxySetup setup)
    {
        foreach (var (from, to) in setup.Changes)
        {
            text.ShouldContain(from, customMessage: "what a test changes stands on the page");
            text = text.Replace(from, to, StringComparison.Ordinal);
        }
        return text.Replace("/etc/ssl/login.example.com.pem", _certificate.Path, StringComparison.Ordinal).Replace("/etc/ssl/login.example.com.key", _certificate.KeyPath, StringComparison.Ordinal)
            .Replace("443 ssl", $"{_port} ssl", StringComparison.Ordinal).Replace(":8080", $":{BackendPort}", StringComparison.Ordinal).Replace("login.example.com", Host, StringComparison.Ordinal);
    }

    private static string Snippet(string name)
    {
        var page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "proxy.md"));
        var parts = page.Split($"```{name}\n");
        parts.Length.ShouldBe(2, $"docs/proxy.md has one block of {name}");
        return parts[1].Split("```")[0];
    }

    private async Task ListeningAsync(CancellationToken cancellation)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var patience = 200; patience > 0; patience--)
        {
            _running[^1].HasEnded(out var said).ShouldBeFalse(said);
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
        throw new TimeoutException("The proxy does not listen.");
    }
}
