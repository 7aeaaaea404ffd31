using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Tests;

/// <summary>A request that never went out is sent once more; one of which that is not certain never is.</summary>
public sealed class UnsentRequestTests
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-15")]
    [Rfc("RFC 9110", "9.2.2")]
    public async Task A_refresh_whose_connection_was_refused_is_sent_once_more()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var wire = new Wire();
        await using var client = await SignedInAsync(server, folder, wire.Handler);
        var session = await DueAsync(server, client);
        wire.Refuse(1);

        (await session.GetAccessTokenAsync(cancel: Cancel)).ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());

        wire.Attempts.ShouldBe(2);
        server.TokenRequests.Count.ShouldBe(2);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeFalse();
    }

    [Fact]
    [Rfc("RFC 9110", "9.2.2")]
    public async Task So_is_a_code()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var wire = new Wire();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { HttpMessageHandler = wire.Handler });
        server.SpoilCallback = _ => wire.Refuse(1);

        var session = await client.GetSessionAsync(Cancel);

        session.Subject.ShouldBe("alice");
        server.TokenRequests.Count.ShouldBe(1);
        wire.Attempts.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_second_refusal_is_the_last_and_leaves_no_mark()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var wire = new Wire();
        await using var client = await SignedInAsync(server, folder, wire.Handler);
        var session = await DueAsync(server, client);
        wire.Refuse(2);

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("no_connection");

        wire.Attempts.ShouldBe(2);
        server.TokenRequests.Count.ShouldBe(1);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("RT-15")]
    public async Task A_connection_that_never_comes_about_sends_nothing_is_waited_for_once_and_leaves_no_mark(bool byConnectTimeout)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var wire = new Wire();
        if (byConnectTimeout) wire.Handler.ConnectTimeout = TimeSpan.FromMilliseconds(500);
        await using var client = await SignedInAsync(server, folder, wire.Handler, byConnectTimeout ? TimeSpan.FromMinutes(1) : TimeSpan.FromSeconds(2));
        var session = await DueAsync(server, client);
        wire.Swallow();

        var problem = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        problem.Code.ShouldBe("no_connection");
        problem.NothingHappened.ShouldBeTrue();
        wire.Attempts.ShouldBe(1);
        server.TokenRequests.Count.ShouldBe(1);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeFalse();
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_request_that_went_out_and_was_not_answered_in_time_leaves_its_mark()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var wire = new Wire();
        await using var client = await SignedInAsync(server, folder, wire.Handler, TimeSpan.FromSeconds(2));
        var session = await DueAsync(server, client);
        server.Instead["/token"] = context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("timeout");

        (await folder.SessionAsync())!.WasInterrupted.ShouldBeTrue();
    }

    [Fact]
    public async Task An_answer_that_a_disposed_client_did_not_wait_for_is_told_as_that()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        var arrived = new TaskCompletionSource();
        server.Instead["/userinfo"] = context =>
        {
            arrived.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        };
        var asking = session.GetUserInfoAsync(Cancel);
        await arrived.Task;

        await client.DisposeAsync();

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => asking)).Actual.ShouldBe("this client was disposed before the answer came");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [Assertion("RT-15")]
    [Rfc("RFC 9110", "9.2.2")]
    public async Task A_refresh_that_went_out_is_never_sent_again_and_leaves_its_mark(int refusedBefore)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var wire = new Wire();
        await using var client = await SignedInAsync(server, folder, wire.Handler);
        var session = await DueAsync(server, client);
        server.Instead["/token"] = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        wire.Refuse(refusedBefore);

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("no_connection");

        wire.Attempts.ShouldBe(refusedBefore + 1);
        server.Count("/token").ShouldBe(2);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeTrue();
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_pooled_connection_that_has_ended_costs_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var wire = new Wire(keepsConnections: true);
        await using var client = await SignedInAsync(server, folder, wire.Handler);
        var session = await DueAsync(server, client);
        wire.Close();

        await session.GetAccessTokenAsync(cancel: Cancel);

        server.TokenRequests.Count.ShouldBe(2);
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_handler_that_tries_again_by_itself_is_not_believed_that_nothing_went_out()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var wire = new Wire();
        using var stubborn = new Stubborn { InnerHandler = wire.Handler };
        await using var client = await SignedInAsync(server, folder, stubborn);
        var session = await DueAsync(server, client);
        // The server takes the token and its answer is lost; the handler's own second attempt finds nobody.
        server.Instead["/token"] = context =>
        {
            wire.Refuse(1);
            context.Abort();
            return Task.CompletedTask;
        };

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Actual.ShouldContain("ConnectionError");

        server.Count("/token").ShouldBe(2);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeTrue();
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TemporaryFolder folder, HttpMessageHandler handler, TimeSpan? requestTimeout = null)
    {
        using var browser = new TestBrowser();
        var options = server.Options(browser) with { Store = folder.Store, HttpMessageHandler = handler };
        var client = new PublicClient(options with { RequestTimeout = requestTimeout ?? options.RequestTimeout });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }

    // Metadata and keys are known, so that the next request is the one for tokens.
    private static async Task<Session> DueAsync(ScriptedServer server, PublicClient client)
    {
        server.Time.Shift = AfterTheEnd;
        await client.Discovery.GetAsync(Cancel);
        return (await client.FindSessionAsync(Cancel))!;
    }

    /// <summary>The platform's handler, whose next connections may lead to a port where nobody listens.</summary>
    private sealed class Wire : IDisposable
    {
        private readonly List<Socket> _open = [];
        private int _refusals;
        private bool _swallows;

        public Wire(bool keepsConnections = false) => Handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            PooledConnectionLifetime = keepsConnections ? Timeout.InfiniteTimeSpan : TimeSpan.Zero,
            ConnectCallback = async (context, cancel) => await ConnectAsync(context.DnsEndPoint.Port, cancel),
        };

        public SocketsHttpHandler Handler { get; }

        /// <summary>How many connections were tried since <see cref="Refuse"/>.</summary>
        public int Attempts { get; private set; }

        public void Refuse(int times) => (_refusals, Attempts) = (times, 0);

        /// <summary>From now on no connection comes about, and none is refused.</summary>
        public void Swallow() => (_swallows, Attempts) = (true, 0);

        /// <summary>Ends the connections that are in the pool.</summary>
        public void Close() => _open.ForEach(socket => socket.Shutdown(SocketShutdown.Both));

        public void Dispose() => Handler.Dispose();

        private async Task<Stream> ConnectAsync(int port, CancellationToken cancel)
        {
            Attempts++;
            if (_swallows) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, _refusals-- > 0 ? Unused() : port, cancel);
            _open.Add(socket);
            return new NetworkStream(socket, ownsSocket: true);
        }

        private static int Unused()
        {
            using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return ((IPEndPoint)bound.LocalEndPoint!).Port;
        }
    }

    /// <summary>What a retry package puts in the way.</summary>
    private sealed class Stubborn : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException)
            {
                return await base.SendAsync(request, cancellationToken);
            }
        }
    }
}
