using System.Net.Sockets;

namespace ProofKey.Client.Tests;

/// <summary>A client that is disposed asks nobody any more, and whoever waits for it hears so at once.</summary>
public sealed class DisposedClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_sign_in_of_its_own_ends_with_it_and_its_port_is_free_again()
    {
        await using var server = await ScriptedServer.StartAsync();
        var opened = new TaskCompletionSource<Uri>();
        var client = new PublicClient(server.Options() with { OpenBrowser = (address, _) => ValueTask.FromResult(opened.TrySetResult(address)) });
        var asking = client.GetSessionAsync(Cancel);
        var port = new Uri(SignInTests.Query(await opened.Task)["redirect_uri"]!).Port;

        await client.DisposeAsync();

        (await Should.ThrowAsync<ObjectDisposedException>(() => asking.WaitAsync(Patience, Cancel))).ObjectName.ShouldBe(typeof(PublicClient).FullName);
        using var again = new TcpListener(System.Net.IPAddress.Loopback, port);
        again.Start();
    }

    [Fact]
    public async Task Who_waits_for_another_call_does_not_wait_for_its_end()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = new PublicClient(server.Options());
        var (asked, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var asking = client.GetSessionAsync(
            async _ =>
            {
                asked.SetResult();
                await end.Task;
                throw new SignInRequiredException(SignInRequiredReason.UserDenied);
            },
            Cancel);
        await asked.Task;
        var waiting = client.GetSessionAsync(Cancel);

        await client.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(() => waiting.WaitAsync(Patience, Cancel));
        end.SetResult();
        await Should.ThrowAsync<SignInRequiredException>(() => asking.WaitAsync(Patience, Cancel));
    }

    [Fact]
    public async Task Who_waits_for_the_turn_of_another_program_does_not_wait_for_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var other = new PublicClient(server.Options() with { Store = folder.Store });
        await using var pending = await other.BeginAsync(Cancel);
        var told = new TaskCompletionSource();
        var client = new PublicClient(server.Options() with
        {
            Store = folder.Store,
            OnEvent = SuiteWitness.And(happened =>
            {
                if (happened is ClientEvent.WaitingForTurn) told.TrySetResult();
            }),
        });
        var beginning = client.BeginAsync(Cancel);
        await told.Task;

        await client.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(() => beginning.WaitAsync(Patience, Cancel));
    }

    [Fact]
    public async Task It_opens_no_browser_any_more_and_pushes_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);

        await client.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(() => pending.OpenBrowserAsync(Cancel));
        await Should.ThrowAsync<ObjectDisposedException>(() => pending.RenewAuthorizeUriAsync(Cancel));
        server.Count("/authorize").ShouldBe(0);
        server.Count("/par").ShouldBe(1);
    }

    [Fact]
    public async Task What_was_begun_before_ends_with_it_too()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(Cancel);
        await using var device = await client.BeginDeviceAsync(Cancel);
        var (browser, code) = (pending.CompleteAsync(Cancel), device.CompleteAsync(Cancel));

        await client.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(() => browser.WaitAsync(Patience, Cancel));
        await Should.ThrowAsync<ObjectDisposedException>(() => code.WaitAsync(Patience, Cancel));
        using var again = new TcpListener(System.Net.IPAddress.Loopback, new Uri(pending.RedirectUri).Port);
        again.Start();
    }

    [Fact]
    public async Task Nothing_begins_any_more_and_nothing_is_sent()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = new PublicClient(server.Options());
        await client.DisposeAsync();

        foreach (var call in (Func<Task>[])[() => client.BeginAsync(Cancel), () => client.BeginDeviceAsync(Cancel), () => client.GetSessionAsync(Cancel), () => client.FindSessionAsync(Cancel), () => client.GetStoredSessionAsync(Cancel)])
            (await Should.ThrowAsync<ObjectDisposedException>(() => call().WaitAsync(Patience, Cancel))).ObjectName.ShouldBe(typeof(PublicClient).FullName);

        server.Count("/.well-known/openid-configuration").ShouldBe(0);
    }

    [Fact]
    public async Task Who_gives_up_has_given_up_also_where_the_client_is_disposed_after_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(Cancel);
        using var giveUp = new CancellationTokenSource();
        var waiting = pending.CompleteAsync(giveUp.Token);

        await giveUp.CancelAsync();
        await client.DisposeAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience, Cancel));
    }
}
