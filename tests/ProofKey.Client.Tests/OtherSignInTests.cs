using System.Collections.Concurrent;

namespace ProofKey.Client.Tests;

/// <summary>A program without a session waits while another one signs in, and that sign-in is for something else.</summary>
public sealed class OtherSignInTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_waited_for_a_sign_in_with_another_scope_asks_for_its_own()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var first = new PublicClient(server.Options(browser) with { Store = folder.Store, Scope = Scope.Parse("openid") });
        var asked = 0;
        var events = new ConcurrentQueue<ClientEvent>();
        await using var second = new PublicClient(server.Options(browser) with { Store = folder.Store, OnEvent = SuiteWitness.And(events.Enqueue) });

        var session = await AfterAsync(first, browser, second, events, () => asked++);

        asked.ShouldBe(1);
        session.Scope.ToString().ShouldBe("openid profile");
    }

    [Fact]
    public async Task Who_waited_for_a_sign_in_of_another_client_hears_of_that_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var elsewhere = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var first = new PublicClient(elsewhere.Options(browser) with { Store = folder.Store });
        var asked = 0;
        var events = new ConcurrentQueue<ClientEvent>();
        await using var second = new PublicClient(server.Options(browser) with { Store = folder.Store, OnEvent = SuiteWitness.And(events.Enqueue) });

        var other = await Should.ThrowAsync<TokenStoreException>(() => AfterAsync(first, browser, second, events, () => asked++));

        other.State.ShouldBe(TokenStoreState.OtherClient);
        asked.ShouldBe(0);
    }

    // The second client waits for its turn; then the first one's person signs in.
    private static async Task<Session> AfterAsync(PublicClient first, TestBrowser browser, PublicClient second, ConcurrentQueue<ClientEvent> events, Action asks)
    {
        await using var pending = await first.BeginAsync(Cancel);
        var waiting = second.GetSessionAsync(
            async cancel =>
            {
                asks();
                await using var own = await second.BeginAsync(cancel);
                await own.OpenBrowserAsync(cancel);
                return (await own.EndAsync(cancel)).SessionOrThrow();
            },
            Cancel);
        while (!events.OfType<ClientEvent.WaitingForTurn>().Any()) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancel);
        await pending.OpenBrowserAsync(Cancel);
        (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
        await pending.DisposeAsync();
        return await waiting.WaitAsync(Patience, Cancel);
    }
}
