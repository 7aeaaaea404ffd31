using System.Net;

namespace ProofKey.Cli.Tests;

/// <summary><c>serve</c> sends metrics and traces to where the environment says, and nothing of what a request carried.</summary>
public sealed class TelemetryExportTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    [Assertion("TK-19")]
    public async Task Metrics_and_traces_reach_a_collector_without_a_secret_or_a_query()
    {
        await using var collector = await TestApi.StartAsync(_ => Task.CompletedTask);
        _cli.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address;
        _cli.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        await using (var server = await TestServer.StartAsync(_cli))
        {
            using var http = new HttpClient();
            using var refused = await http.PostAsync(new Uri(server.Issuer + "/token"), new FormUrlEncodedContent([new("grant_type", "refresh_token"), new("client_id", "known-client"), new("refresh_token", "secret-token")]), TestContext.Current.CancellationToken);
            refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            using var page = await http.GetAsync(new Uri(server.Issuer + "/authorize?client_id=known-client&state=secret-state"), TestContext.Current.CancellationToken);
            // What is left is sent when the server stops.
            (await server.StopAsync()).ExitCode.ShouldBe(0);
        }
        var bodies = collector.Seen.GroupBy(request => request.Path).ToDictionary(group => group.Key, group => string.Concat(group.Select(request => request.Body)));
        bodies["/v1/metrics"].ShouldContain("proofkey.refusals");
        bodies["/v1/metrics"].ShouldContain("http.server.request.duration");
        bodies["/v1/traces"].ShouldContain("POST /token");
        bodies["/v1/traces"].ShouldContain("proofkey");
        foreach (var body in bodies.Values)
            foreach (var secret in (string[])["secret-token", "secret-state", "known-client"]) body.ShouldNotContain(secret);
    }

    [Fact]
    public async Task Without_a_destination_nothing_of_it_is_loaded()
    {
        _cli.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = null;
        await using var server = await TestServer.StartAsync(_cli);
        // Which files a process has mapped, only Linux says.
        if (!OperatingSystem.IsLinux()) return;
        (await File.ReadAllTextAsync($"/proc/{server.Id}/maps", TestContext.Current.CancellationToken)).ShouldNotContain("OpenTelemetry");
    }
}
