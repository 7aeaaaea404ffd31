using System.Text.Json;
using EndToEnd;

[assembly: AssemblyFixture(typeof(SecureServer))]

namespace EndToEnd;

/// <summary><c>proofkey serve</c> on https under a name of its own, with a certificate that browsers must be told to trust, and one person, alice.</summary>
public sealed class SecureServer : IAsyncDisposable
{
    /// <summary>The host of the issuer; a browser must be told that it is here.</summary>
    public const string Host = "login.example";

    private readonly ProofKeyProgram _program = new();
    private readonly string _data;
    private readonly Lazy<Task<ChildProcess>> _serving;
    private readonly int _port = RunningServer.FreePort();

    public SecureServer()
    {
        _data = _program.Folder("data");
        _serving = new(StartAsync);
    }

    public string Issuer => $"https://{Host}:{_port}";

    /// <summary>The digest of the certificate's key, as Chromium wants to have it.</summary>
    public string KeyDigest { get; private set; } = "";

    /// <summary>Registers a client; the first one starts the server.</summary>
    public async Task<string> AddClientAsync(CancellationToken cancellation, params string[] options)
    {
        await _serving.Value;
        using var client = JsonDocument.Parse(await _program.OutputOfAsync(["client", "add", "Desktop app", "--public", "--json", "--data", _data, .. options], cancellation));
        return client.RootElement.GetProperty("client_id").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_serving.IsValueCreated) await (await _serving.Value).DisposeAsync();
        _program.Dispose();
    }

    private async Task<ChildProcess> StartAsync()
    {
        var certificate = TestCertificate.Write(_program.Folder("certificate"), Host);
        KeyDigest = certificate.KeyDigest;
        var environment = new Dictionary<string, string> { ["Kestrel__Certificates__Default__Path"] = certificate.Path, ["Kestrel__Certificates__Default__KeyPath"] = certificate.KeyPath };
        var serving = _program.Start(environment, "serve", "--urls", $"https://127.0.0.1:{_port}", "--issuer", Issuer, "--data", _data);
        await serving.ReadUntilAsync(new("Ctrl-C stops it"), CancellationToken.None);
        await _program.OutputOfAsync(["user", "add", "alice", "--password-stdin", "--data", _data], CancellationToken.None, RunningServer.Password);
        return serving;
    }
}
