namespace ProofKey.Client.Tests;

/// <summary>A program that opens the browser in its own way, and may take until the page has come.</summary>
public sealed class OpenBrowserTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_browser_that_is_open_once_its_page_has_come_gets_the_page()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options() with
        {
            OpenBrowser = async (address, _) => (await browser.BrowseAsync(address)).Html.Contains("You are signed in", StringComparison.Ordinal),
        });

        var session = await client.GetSessionAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);

        session.Subject.ShouldBe("alice");
    }

    [Fact]
    public async Task A_browser_that_never_says_whether_it_opened_takes_no_longer_than_a_sign_in_may()
    {
        await using var server = await ScriptedServer.StartAsync();
        var told = new TaskCompletionSource();
        await using var client = new PublicClient(server.Options() with
        {
            Timeout = TimeSpan.FromMilliseconds(100),
            OpenBrowser = async (_, cancel) =>
            {
                using var end = cancel.Register(told.SetResult);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None);
                return true;
            },
        });

        var ended = await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel));

        ended.Reason.ShouldBe(SignInRequiredReason.TimedOut);
        await told.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }

    [Fact]
    public async Task A_fault_while_the_browser_opens_ends_the_call_and_frees_the_port()
    {
        await using var server = await ScriptedServer.StartAsync();
        var address = "";
        await using var client = new PublicClient(server.Options() with
        {
            OpenBrowser = (uri, _) =>
            {
                address = SignInTests.Query(uri)["redirect_uri"]!;
                throw new InvalidOperationException("There is no window manager.");
            },
        });

        await Should.ThrowAsync<InvalidOperationException>(() => client.GetSessionAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel));

        using var again = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, new Uri(address).Port);
        again.Start();
    }
}
