namespace ProofKey.Client.Tests;

/// <summary>A handler of the program's own, such as one that retries or breaks a circuit, throws what it likes; callers see what this library throws.</summary>
public sealed class ForeignExceptionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-16")]
    public async Task A_circuit_that_is_open_is_a_server_that_cannot_be_reached()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var breaker = new Breaker { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false } };
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store, HttpMessageHandler = breaker });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        var before = session.Stored.AccessToken;
        breaker.IsOpen = true;

        // Due, and good for a while yet.
        server.Time.Shift = TimeSpan.FromMinutes(8.9);
        for (var call = 0; call < 3; call++) (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(before);
        breaker.Tried.ShouldBe(1, "and then it rests");
        server.Time.Shift = TimeSpan.FromMinutes(9.5);
        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(before);
        server.Time.Shift = TimeSpan.FromMinutes(11);
        var away = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        (away.Code, away.InnerException!.GetType()).ShouldBe(("no_connection", typeof(CircuitIsOpenException)));
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeTrue("what it did before it gave up is not known");
        breaker.IsOpen = false;
        await session.GetAccessTokenAsync(cancel: Cancel);
    }

    [Fact]
    public async Task Who_gives_up_while_it_gives_up_has_given_up()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var giveUp = new CancellationTokenSource();
        using var breaker = new Breaker { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false }, IsOpen = true, Opening = giveUp.Cancel };
        await using var client = new PublicClient(server.Options() with { HttpMessageHandler = breaker });

        await Should.ThrowAsync<OperationCanceledException>(() => client.BeginAsync(giveUp.Token));
    }

    private sealed class CircuitIsOpenException : Exception;

    private sealed class Breaker : DelegatingHandler
    {
        public bool IsOpen { get; set; }

        public int Tried { get; private set; }

        public Action? Opening { get; init; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (!IsOpen) return base.SendAsync(request, cancellationToken);
            Tried++;
            Opening?.Invoke();
            throw new CircuitIsOpenException();
        }
    }
}
