using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace ProofKey.Cli.Tests;

/// <summary><c>proofkey serve</c> on a free port, with alice, who has an account there.</summary>
public sealed partial class TestServer : IAsyncDisposable
{
    public const string Password = "correct horse battery staple";

    private readonly Cli _cli;
    private readonly RunningCli _serving;

    private TestServer(Cli cli, RunningCli serving, string issuer)
    {
        _cli = cli;
        _serving = serving;
        Issuer = issuer;
    }

    public string Issuer { get; }

    /// <summary>The id of the process.</summary>
    public int Id => _serving.Id;

    public static async Task<TestServer> StartAsync(Cli cli, params string[] options)
    {
        var issuer = $"http://127.0.0.1:{FreePort()}";
        var serving = cli.Start(["serve", "--data", cli.Data, "--urls", issuer, .. options]);
        await serving.UntilAsync(Listening());
        return new TestServer(cli, serving, issuer);
    }

    /// <summary>A port that nobody listens on at this moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async Task AddAliceAsync() =>
        (await _cli.RunWithAsync($"{Password}\n", "user", "add", "alice", "--email", "alice@example.com", "--password-stdin", "--data", _cli.Data)).ExitCode.ShouldBe(0);

    public Task<string> AddClientAsync(params string[] options) =>
        _cli.OutputOfAsync(["client", "add", "Terminal", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data, .. options]);

    public async Task<Outcome> StopAsync()
    {
        _serving.AskToStop();
        return await _serving.EndAsync();
    }

    public ValueTask DisposeAsync() => _serving.DisposeAsync();

    [GeneratedRegex("proofkey listens on .*Ctrl-C stops it", RegexOptions.Singleline)]
    public static partial Regex Listening();
}
