using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Tests;

/// <summary>A redirect URI that says <c>localhost</c> means both loopback addresses, and browsers try [::1] first.</summary>
public sealed class LocalhostPortTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-07")]
    public async Task A_port_that_somebody_else_has_on_the_other_loopback_address_is_taken_for_localhost()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var stranger = new TcpListener(IPv6.Loopback, 0);
        stranger.Start();
        var port = ((IPEndPoint)stranger.LocalEndpoint).Port;
        await using var localhost = new PublicClient(server.Options() with { Redirect = new Redirect.LoopbackPort(port) { UseLocalhost = true } });
        await using var address = new PublicClient(server.Options() with { Redirect = new Redirect.LoopbackPort(port) });

        var refused = await Should.ThrowAsync<SignInRequiredException>(() => localhost.BeginAsync(Cancel));
        refused.Reason.ShouldBe(SignInRequiredReason.NoPort);
        refused.Actual.ShouldContain($"{port} is taken by this program");

        // 127.0.0.1 in the redirect URI leads nowhere else.
        await using var pending = await address.BeginAsync(Cancel);
        pending.RedirectUri.ShouldBe($"http://127.0.0.1:{port}/callback");
    }
}
