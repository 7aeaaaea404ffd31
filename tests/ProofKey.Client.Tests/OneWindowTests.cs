namespace ProofKey.Client.Tests;

/// <summary>Whoever waits while somebody else asks the person waits for that answer, and opens no window after it.</summary>
public sealed class OneWindowTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_session_that_has_ended_and_is_still_stored_turns_nobody_away_who_waits_for_the_next()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.GivesRefreshTokens = false;
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var first = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await using var second = new PublicClient(server.Options() with { Store = folder.Store });
        await first.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = TimeSpan.FromMinutes(11);
        var (opened, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        var asking = first.GetSessionAsync(
            async cancel =>
            {
                opened.SetResult();
                await goOn.Task;
                await using var pending = await first.BeginAsync(cancel);
                await pending.OpenBrowserAsync(cancel);
                return ((SignInResult.SignedIn)await pending.EndAsync(cancel)).Session;
            },
            Cancel);
        await opened.Task;

        var waiting = second.GetSessionAsync(_ => throw new InvalidOperationException("A second window."), Cancel);
        (await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancel))).ShouldNotBe(waiting);
        goOn.SetResult();

        (await waiting).Stored.Id.ShouldBe((await asking).Stored.Id);
        server.AuthorizeRequests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_sign_in_that_is_not_enough_for_who_waited_is_followed_by_another()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var first = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await using var second = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await using var pending = await first.BeginAsync(Cancel);
        var better = second.GetSessionAsync(new StepUp(["urn:example:otp"], null), Cancel);
        (await Task.WhenAny(better, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancel))).ShouldNotBe(better);

        await pending.OpenBrowserAsync(Cancel);
        var plain = (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>().Session;
        server.SpoilIdToken = claims => claims["acr"] = "urn:example:otp";

        (await better).Stored.Id.ShouldNotBe(plain.Stored.Id);
        server.AuthorizeRequests.Count.ShouldBe(2);
    }
}
