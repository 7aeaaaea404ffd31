namespace ProofKey.Client.Tests;

/// <summary>A call that opens the browser itself and could not: its end is told as what it throws.</summary>
public sealed class NoBrowserEndingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_ends_as_no_browser_and_not_as_given_up()
    {
        await using var server = await ScriptedServer.StartAsync();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options() with { OpenBrowser = (_, _) => ValueTask.FromResult(false), OnEvent = SuiteWitness.And(events.Add) });

        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("no_browser");

        events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("no_browser")]);
    }

    [Fact]
    public async Task What_opens_it_and_fails_is_told_as_failed()
    {
        await using var server = await ScriptedServer.StartAsync();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options() with { OpenBrowser = (_, _) => throw new InvalidOperationException("There is no window manager."), OnEvent = SuiteWitness.And(events.Add) });

        await Should.ThrowAsync<InvalidOperationException>(() => client.GetSessionAsync(Cancel));

        events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("failed")]);
    }

    [Fact]
    public async Task Who_gives_up_while_it_opens_is_told_as_cancelled()
    {
        await using var server = await ScriptedServer.StartAsync();
        var events = new List<ClientEvent>();
        using var giveUp = new CancellationTokenSource();
        await using var client = new PublicClient(server.Options() with
        {
            OpenBrowser = async (_, cancel) =>
            {
                await giveUp.CancelAsync();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
                return true;
            },
            OnEvent = SuiteWitness.And(events.Add),
        });

        await Should.ThrowAsync<OperationCanceledException>(() => client.GetSessionAsync(giveUp.Token));

        events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("cancelled")]);
    }
}
