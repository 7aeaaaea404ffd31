using System.Net;
using System.Net.Sockets;
using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>Ports and hosts of the redirect URI, where any port of 127.0.0.1 does not do.</summary>
public sealed class RedirectTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 8252", "7.3")]
    public async Task Each_sign_in_has_a_port_of_its_own_unless_one_was_chosen()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await using var first = await client.BeginAsync(Cancel);
        await using var second = await client.BeginAsync(Cancel);

        new Uri(first.RedirectUri).Port.ShouldNotBe(new Uri(second.RedirectUri).Port);
    }

    [Fact]
    public async Task A_registered_port_and_path_are_used_and_free_again_for_the_next_sign_in()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var port = FreePort();
        await using var client = new PublicClient(server.Options(browser) with { Redirect = new Redirect.LoopbackPort(port) { Path = "/oauth/back" } });

        for (var i = 0; i < 3; i++)
        {
            await using var pending = await client.BeginAsync(Cancel);
            pending.RedirectUri.ShouldBe($"http://127.0.0.1:{port}/oauth/back");
            await pending.OpenBrowserAsync(Cancel);
            (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
        }
    }

    [Fact]
    public async Task Of_a_list_of_ports_the_first_free_one_is_taken()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var busy = Occupied(out var taken);
        var free = FreePort();
        await using var client = new PublicClient(server.Options() with { Redirect = new Redirect.LoopbackPorts([taken, free]) });

        await using var pending = await client.BeginAsync(Cancel);

        new Uri(pending.RedirectUri).Port.ShouldBe(free);
    }

    [Fact]
    public async Task Ports_that_are_all_taken_are_named_before_any_browser_opens()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var first = Occupied(out var one);
        using var second = Occupied(out var two);
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Redirect = new Redirect.LoopbackPorts([one, two]) });

        var problem = await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel));

        problem.Reason.ShouldBe(SignInRequiredReason.NoPort);
        problem.Code.ShouldBe("no_port");
        problem.Actual.ShouldBe($"{one} is taken by this program, {two} is taken by this program");
        problem.Remedy.ShouldContain("RFC 8252 section 7.3");
        browser.Opened.ShouldBeNull();
    }

    [Fact]
    public async Task A_port_that_Windows_reserves_counts_as_taken_like_one_that_somebody_has()
    {
        await using var server = await ScriptedServer.StartAsync();
        var (options, tried) = (server.Options(), new List<int>());
        var free = FreePort();
        // WSAEACCES and WSAEADDRINUSE
        Socket[] Open(int port, bool forLocalhost)
        {
            tried.Add(port);
            return port == free ? LoopbackSockets.Open(port, forLocalhost) : throw new SocketException(port == 8400 ? 10013 : 10048);
        }

        await using (var listener = LoopbackListener.Start(options, new Redirect.LoopbackPorts([8400, 8401, free]), Open)) new Uri(listener.RedirectUri).Port.ShouldBe(free);
        tried.ShouldBe([8400, 8401, free]);
        Should.Throw<SignInRequiredException>(() => LoopbackListener.Start(options, new Redirect.LoopbackPort(8400), Open)).Actual.ShouldBe("8400 is reserved by the system");
        // The same where localhost needs the port in both families.
        LoopbackSockets.IsTaken((SocketError)10013).ShouldBeTrue();
        LoopbackSockets.IsTaken((SocketError)10048).ShouldBeTrue();
        LoopbackSockets.IsTaken(SocketError.NetworkDown).ShouldBeFalse();
    }

    [Fact]
    public void A_range_that_Windows_keeps_is_named_with_the_command_that_lists_it_and_there_alone()
    {
        var windows = LoopbackSockets.NoPort([(8400, (SocketError)10048), (8401, (SocketError)10013)], SystemKind.Windows);

        windows.Code.ShouldBe("no_port");
        windows.Actual.ShouldEndWith(", 8401 is reserved by the system");
        windows.Remedy.ShouldContain("netsh int ipv4 show excludedportrange protocol=tcp");
        LoopbackSockets.NoPort([(8400, (SocketError)10048)], SystemKind.Windows).Remedy.ShouldNotContain("netsh");
        LoopbackSockets.NoPort([(80, SocketError.AccessDenied)], SystemKind.Linux).Remedy.ShouldNotContain("netsh");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rfc("RFC 8252", "8.3")]
    public async Task Localhost_is_said_and_listened_to_only_where_it_was_chosen(bool chosen)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { ResponseMode = ResponseMode.Query, Redirect = new Redirect.LoopbackAnyPort { UseLocalhost = chosen } });
        await using var pending = await client.BeginAsync(Cancel);
        var (waiting, port) = (pending.EndAsync(Cancel), new Uri(pending.RedirectUri).Port);
        var callback = await SignInTests.CallbackOfAsync(pending);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, Proxy = null, UseProxy = false });

        callback.Host.ShouldBe(chosen ? "localhost" : "127.0.0.1");
        var asking = http.GetAsync(new Uri($"http://localhost:{port}{callback.PathAndQuery}"), Cancel);
        if (chosen)
        {
            using var answer = await asking;
            answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
            (await waiting).ShouldBeOfType<SignInResult.SignedIn>();
        }
        else
        {
            using var answer = await asking;
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            waiting.IsCompleted.ShouldBeFalse();
        }
    }

    internal static int FreePort()
    {
        using var listener = Occupied(out var port);
        return port;
    }

    private static TcpListener Occupied(out int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        port = ((IPEndPoint)listener.LocalEndpoint).Port;
        return listener;
    }
}
