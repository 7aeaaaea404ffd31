using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary><c>serve</c>: how it starts, what it says, and how it ends.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task It_says_where_it_listens_what_it_is_and_how_to_register_and_stops_when_asked()
    {
        await using var server = await TestServer.StartAsync(_cli);
        var outcome = await server.StopAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Output.ShouldBeEmpty();
        outcome.Errors.ShouldContain($"proofkey listens on {server.Issuer}");
        outcome.Errors.ShouldContain($"issuer    {server.Issuer}");
        outcome.Errors.ShouldContain(_cli.Data);
        outcome.Errors.ShouldMatch(@"SQLite 3\.\d+\.\d+ \((system|bundled)\)");
        outcome.Errors.ShouldContain("proofkey client add");
        outcome.Errors.ShouldContain("proofkey user add");
    }

    [Fact]
    public async Task Control_C_stops_it()
    {
        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", $"http://127.0.0.1:{TestServer.FreePort()}");
        await serving.UntilAsync(TestServer.Listening());
        serving.PressControlC();
        (await serving.EndAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task It_answers_as_its_issuer_also_behind_another_address()
    {
        var port = TestServer.FreePort();
        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", $"http://127.0.0.1:{port};http://[::1]:{port}", "--issuer", "https://login.example.com");
        await serving.UntilAsync(TestServer.Listening());
        using var http = new HttpClient();
        using var metadata = JsonDocument.Parse(await http.GetStringAsync(new Uri($"http://[::1]:{port}/.well-known/oauth-authorization-server"), TestContext.Current.CancellationToken));
        metadata.RootElement.GetProperty("issuer").GetString().ShouldBe("https://login.example.com");
    }

    [Fact]
    [Assertion("PR-08")]
    public async Task It_says_when_requests_must_be_pushed()
    {
        var port = TestServer.FreePort();
        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", $"http://127.0.0.1:{port}", "--require-par");
        await serving.UntilAsync(TestServer.Listening());
        using var http = new HttpClient();
        using var metadata = JsonDocument.Parse(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/.well-known/oauth-authorization-server"), TestContext.Current.CancellationToken));
        metadata.RootElement.GetProperty("require_pushed_authorization_requests").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_another_to_take()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var outcome = await _cli.RunAsync("serve", "--data", _cli.Data, "--urls", $"http://127.0.0.1:{port}");
        outcome.ShouldBeFailure(1, $"Port {port} is in use", $"--urls http://127.0.0.1:{port + 1}");
    }

    [Fact]
    public async Task An_address_that_is_not_this_machines_is_explained() =>
        (await _cli.RunAsync("serve", "--data", _cli.Data, "--urls", "http://192.0.2.1:8080", "--issuer", "https://login.example.com")).ShouldBeFailure(1, "no such address", "--urls");

    [Fact]
    public async Task Https_without_a_certificate_is_explained() =>
        (await _cli.RunAsync("serve", "--data", _cli.Data, "--urls", $"https://127.0.0.1:{TestServer.FreePort()}", "--issuer", "https://login.example.com")).ShouldBeFailure(1, "no certificate", "proxy");

    [Fact]
    public async Task Https_with_a_certificate_whose_key_is_not_named_is_explained()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        _cli.Environment["Kestrel__Certificates__Default__Path"] = _cli.Write("cert.pem", certificate.ExportCertificatePem());
        var outcome = await _cli.RunAsync("serve", "--data", _cli.Data, "--urls", $"https://127.0.0.1:{TestServer.FreePort()}", "--issuer", "https://login.example.com");
        outcome.ShouldBeFailure(1, "no certificate with its private key", "Kestrel__Certificates__Default__KeyPath");
    }

    [Fact]
    public async Task Settings_that_lie_in_the_current_folder_are_not_taken()
    {
        _cli.Write("appsettings.json", """{ "Kestrel": { "Endpoints": { "Other": { "Url": "http://127.0.0.1:1" } } } }""");
        await using var server = await TestServer.StartAsync(_cli);
        (await server.StopAsync()).ExitCode.ShouldBe(0);
    }
}
