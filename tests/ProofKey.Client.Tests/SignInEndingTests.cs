namespace ProofKey.Client.Tests;

/// <summary>Every sign-in that began to wait is told of once when it ends, whatever the end is.</summary>
public sealed class SignInEndingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_the_program_gives_up_or_disposes_was_cancelled(bool disposes)
    {
        await using var server = await ScriptedServer.StartAsync();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options() with { OnEvent = SuiteWitness.And(events.Add) });
        var pending = await client.BeginAsync(Cancel);
        using var giveUp = new CancellationTokenSource();
        var waiting = pending.EndAsync(giveUp.Token);

        if (disposes) await pending.DisposeAsync();
        else await giveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("cancelled")]);
        await pending.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_whose_session_cannot_be_stored_ends_with_that_code(bool handedOver)
    {
        await using var server = await ScriptedServer.StartAsync();
        var (vault, events) = (new MemoryVault(), new List<ClientEvent>());
        await using var client = new PublicClient(server.Options() with { ResponseMode = ResponseMode.Query, Store = vault.Store, OnEvent = SuiteWitness.And(events.Add) });
        await using var pending = await client.BeginAsync(Cancel);
        server.SpoilTokens = _ => vault.Problem = TokenStoreState.Locked;

        if (handedOver)
        {
            await Should.ThrowAsync<TokenStoreException>(async () => await pending.EndAsync(await SignInTests.CallbackOfAsync(pending), Cancel));
        }
        else
        {
            using var browser = new TestBrowser();
            var waiting = pending.EndAsync(Cancel);
            (await browser.BrowseAsync(pending.AuthorizeUri)).Html.ShouldContain("The sign-in did not work");
            await Should.ThrowAsync<TokenStoreException>(() => waiting);
        }

        events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("token_store_locked")]);
    }

    [Fact]
    public async Task So_does_one_of_a_device()
    {
        await using var server = await ScriptedServer.StartAsync();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options() with { OnEvent = SuiteWitness.And(events.Add) });
        var signIn = await client.BeginDeviceAsync(Cancel);
        var waiting = signIn.EndAsync(Cancel);

        await signIn.DisposeAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("cancelled")]);
    }

    [Fact]
    public async Task What_should_not_happen_is_told_too()
    {
        await using var server = await ScriptedServer.StartAsync();
        var events = new List<ClientEvent>();
        using var broken = new Broken { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false } };
        await using var client = new PublicClient(server.Options() with { ResponseMode = ResponseMode.Query, HttpMessageHandler = broken, Scope = Scope.Parse("profile"), OnEvent = SuiteWitness.And(events.Add) });
        await using var pending = await client.BeginAsync(Cancel);

        await Record.ExceptionAsync(async () => await pending.EndAsync(await SignInTests.CallbackOfAsync(pending), Cancel));

        events.OfType<ClientEvent.SignInEnded>().Count().ShouldBe(1);
    }

    /// <summary>A handler with a mistake in it.</summary>
    private sealed class Broken : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            request.Method == HttpMethod.Post ? throw new NotSupportedException("Not today.") : base.SendAsync(request, cancellationToken);
    }
}
