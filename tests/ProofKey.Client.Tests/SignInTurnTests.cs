using System.Collections.Concurrent;

namespace ProofKey.Client.Tests;

/// <summary>Several programs want the same session: one of them asks the person.</summary>
public sealed class SignInTurnTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Programs_with_one_store_open_one_browser_and_share_what_comes_of_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var gate = new TaskCompletionSource();
        using var browser = new TestBrowser();
        var clients = Enumerable.Range(0, 8).Select(_ => new PublicClient(server.Options() with
        {
            Store = folder.Store,
            OpenBrowser = async (address, cancel) =>
            {
                await gate.Task;
                return await browser.OpenAsync(address, cancel);
            },
        })).ToList();

        var sessions = clients.Select(client => client.GetSessionAsync(Cancel)).ToList();
        gate.SetResult();
        var found = await Task.WhenAll(sessions);

        server.AuthorizeRequests.Count.ShouldBe(1);
        found.Select(session => session.Stored.Id).Distinct().Count().ShouldBe(1);
        foreach (var client in clients) await client.DisposeAsync();
    }

    [Fact(Timeout = 60_000)]
    public async Task Whoever_waits_says_so_and_can_give_up()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var events = new ConcurrentQueue<ClientEvent>();
        await using var first = new PublicClient(server.Options() with { Store = folder.Store });
        await using var second = new PublicClient(server.Options() with { Store = folder.Store, OnEvent = SuiteWitness.And(events.Enqueue) });
        await using var pending = await first.BeginAsync(Cancel);
        using var giveUp = new CancellationTokenSource();

        var waiting = second.BeginAsync(giveUp.Token);
        while (!events.OfType<ClientEvent.WaitingForTurn>().Any()) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancel);
        await giveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
    }

    [Theory]
    [InlineData("urn:example:otp", true)]
    [InlineData("urn:example:password", false)]
    public async Task What_another_program_signed_in_meanwhile_answers_an_API_only_if_it_is_as_asked(string acr, bool answers)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims["acr"] = acr;
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var first = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await using var second = new PublicClient(server.Options() with { Store = folder.Store });
        await using var pending = await first.BeginAsync(Cancel);

        var waiting = second.BeginAsync(SignInRoad.Browser, new StepUp(["urn:example:otp"], null), Cancel);
        await pending.OpenBrowserAsync(Cancel);
        await pending.EndAsync(Cancel);

        await using var other = await waiting;
        (other.SignedInMeanwhile is not null).ShouldBe(answers);
    }

    [Fact]
    public async Task The_turn_ends_with_the_sign_in_whatever_came_of_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = new PublicClient(server.Options() with { Store = folder.Store, Timeout = TimeSpan.FromMilliseconds(50) });

        await using (var timedOut = await client.BeginAsync(Cancel)) (await timedOut.EndAsync(Cancel)).ShouldBe(new SignInResult.Cancelled(CancelReason.TimedOut));
        await using (await client.BeginAsync(Cancel)) { }
        await using var last = await client.BeginAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);

        last.SignedInMeanwhile.ShouldBeNull();
    }

    [Fact]
    public async Task The_turn_is_of_the_call_that_has_it_and_of_what_it_begins()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store });
        var (asked, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        var asking = client.GetSessionAsync(
            async cancel =>
            {
                asked.SetResult();
                await goOn.Task;
                await using var ours = await client.BeginAsync(cancel).WaitAsync(TimeSpan.FromSeconds(20), cancel);
                await ours.OpenBrowserAsync(cancel);
                return ((SignInResult.SignedIn)await ours.EndAsync(cancel)).Session;
            },
            Cancel);
        await asked.Task;

        // The person presses another button of the same program.
        var device = client.BeginDeviceAsync(Cancel);
        (await Task.WhenAny(device, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancel))).ShouldNotBe(device);
        goOn.SetResult();

        var session = await asking;
        await using var other = await device;
        other.SignedInMeanwhile!.Stored.Id.ShouldBe(session.Stored.Id);
    }

    [Fact]
    public async Task The_turn_is_kept_while_the_person_goes_from_one_road_to_another()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = new PublicClient(server.Options() with { Store = folder.Store });
        await using var other = new PublicClient(server.Options() with { Store = folder.Store });
        Task<PendingSignIn> waiting = null!;
        var signingIn = client.InOneTurnAsync(async () =>
        {
            await using (await client.BeginAsync(Cancel)) waiting = other.BeginAsync(Cancel);
            (await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancel))).ShouldNotBe(waiting);
            await using (await client.BeginDeviceAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel)) { }
            (await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancel))).ShouldNotBe(waiting);
            throw new SignInRequiredException(SignInRequiredReason.UserDenied);
        });

        await Should.ThrowAsync<SignInRequiredException>(() => signingIn);

        await using var begun = await waiting.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }

    [Fact]
    public async Task Who_waited_for_the_first_road_finds_what_was_signed_in_meanwhile()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options() with { Store = folder.Store });
        await using var other = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await using var first = await other.BeginAsync(Cancel);
        var waiting = client.InOneTurnAsync(async () =>
        {
            await using var pending = await client.BeginAsync(Cancel);
            return pending.SignedInMeanwhile!;
        });

        await first.OpenBrowserAsync(Cancel);
        var session = (await first.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>().Session;

        (await waiting).Stored.Id.ShouldBe(session.Stored.Id);
    }

    [Fact]
    public async Task What_a_call_leaves_running_has_its_turn_no_longer_than_the_call()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = new PublicClient(server.Options() with { Store = folder.Store });
        await using var other = new PublicClient(server.Options() with { Store = folder.Store });
        var over = new TaskCompletionSource();
        Task<PendingSignIn> left = null!;
        async Task<PendingSignIn> BeginLaterAsync()
        {
            await over.Task;
            return await client.BeginAsync(Cancel);
        }
        await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(
            _ =>
            {
                left = BeginLaterAsync();
                throw new SignInRequiredException(SignInRequiredReason.UserDenied);
            },
            Cancel));

        await using (await other.BeginAsync(Cancel))
        {
            over.SetResult();
            (await Task.WhenAny(left, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancel))).ShouldNotBe(left);
        }

        await using var begun = await left;
    }

    [Fact]
    public async Task A_session_that_ended_while_somebody_waited_for_it_gives_nobody_the_turn()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var first = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await using var second = new PublicClient(server.Options() with { Store = folder.Store });
        var session = await first.GetSessionAsync(Cancel);
        await browser.Page;
        await session.SignOutAsync(Cancel);
        var held = await first.BeginAsync(Cancel);
        var asked = false;
        var waiting = second.GetSessionAsync(
            _ =>
            {
                asked = true;
                throw new SignInRequiredException(SignInRequiredReason.UserDenied);
            },
            Cancel);
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, Cancel);

        // Somebody signed in, and that session has ended by the time that it is looked at.
        using (await first.Vault.LockAsync(Cancel)) await first.Vault.SaveAsync(session.Stored with { Id = "short", RefreshToken = null, ExpiresAt = session.Stored.ObtainedAt }, Cancel);

        (await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(700), TimeProvider.System, Cancel))).ShouldNotBe(waiting);
        asked.ShouldBeFalse();
        await held.DisposeAsync();
        (await Should.ThrowAsync<SignInRequiredException>(() => waiting)).Reason.ShouldBe(SignInRequiredReason.TimedOut);
        asked.ShouldBeFalse("who waited for a window that came to nothing opens none");
    }

    [Fact]
    public async Task Other_profiles_and_sessions_in_memory_wait_for_nobody()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var one = new PublicClient(server.Options() with { Store = folder.Store });
        await using var other = new PublicClient(server.Options() with { Store = folder.Store, Profile = "work" });
        await using var inMemory = new PublicClient(server.Options());

        await using var first = await one.BeginAsync(Cancel);
        await using var second = await other.BeginAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        await using var third = await inMemory.BeginAsync(Cancel);
        await using var fourth = await inMemory.BeginAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }
}
