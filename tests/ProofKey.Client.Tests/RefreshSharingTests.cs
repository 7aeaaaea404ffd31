using Microsoft.AspNetCore.Http;

namespace ProofKey.Client.Tests;

/// <summary>Who shares a refresh and a sign-in with whom, and when a token is renewed ahead of time.</summary>
public sealed class RefreshSharingTests
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-15")]
    public async Task The_lock_lives_with_the_session_and_not_with_the_object()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => client.FindSessionAsync(Cancel)));
        server.Time.Shift = AfterTheEnd;
        var everybodyWaits = new TaskCompletionSource();
        server.Instead["/token"] = async context =>
        {
            await everybodyWaits.Task;
            await ScriptedServer.JsonAsync(context, StatusCodes.Status503ServiceUnavailable, "{}");
        };

        var calls = sessions.Select(session => session!.GetAccessTokenAsync(cancel: Cancel)).ToList();
        everybodyWaits.SetResult();

        foreach (var call in calls) await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => call);
        server.Count("/token").ShouldBe(2, "one sign-in, and one refresh that failed for all of them");
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Many_calls_that_an_API_refuses_at_once_refresh_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var revoked = session.Stored.AccessToken;
        // Nobody waits on a thread: the test beside this one needs those of the pool.
        var (asked, everybodyAsked) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        server.Instead["/api/me"] = async context =>
        {
            if (context.Request.Headers.Authorization != $"Bearer {revoked}")
            {
                await ScriptedServer.JsonAsync(context, 200, "\"fine\"");
                return;
            }
            if (Interlocked.Increment(ref asked) == 20) everybodyAsked.SetResult();
            await everybodyAsked.Task.WaitAsync(TimeSpan.FromSeconds(30));
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            await ScriptedServer.JsonAsync(context, 401, "{}");
        };
        server.Time.Shift = TimeSpan.FromMinutes(1);
        using var api = session.CreateHttpClient(onlyFor: server.At("/api/"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.GetStringAsync("me", Cancel)));

        answers.ShouldAllBe(answer => answer == "\"fine\"");
        server.TokenRequests.Count.ShouldBe(2);
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task Callers_for_another_resource_get_a_refresh_of_their_own()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var orders = await SignedInAsync(server, folder, "orders");
        await using var bills = await SignedInAsync(server, folder, "bills");
        server.Time.Shift = AfterTheEnd;

        var tokens = await Task.WhenAll(new[] { orders, bills, orders, bills }.Select(async client => (await (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel)).Reveal()));

        tokens.Distinct().Count().ShouldBe(2);
        server.TokenRequests.Where(request => request["grant_type"] == "refresh_token").Select(request => request["resource"]).Order()
            .ShouldBe(["https://bills.example/", "https://orders.example/"]);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Programs_that_find_the_session_ended_open_one_browser_between_them()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();

        var people = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(async () =>
        {
            using var browser = new TestBrowser();
            await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store });
            return (await client.GetSessionAsync(Cancel)).Subject;
        })));

        people.ShouldAllBe(subject => subject == "alice");
        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Who_waited_for_a_sign_in_that_came_to_nothing_opens_no_window_of_its_own()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var (opened, closed) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var first = new PublicClient(server.Options() with { Store = folder.Store });
        await using var second = new PublicClient(server.Options() with { Store = folder.Store });
        var asking = first.GetSessionAsync(
            async _ =>
            {
                opened.SetResult();
                await closed.Task;
                throw new SignInRequiredException(SignInRequiredReason.UserDenied);
            },
            Cancel);
        await opened.Task;
        var waiting = second.GetSessionAsync(_ => throw new InvalidOperationException("A second window."), Cancel);
        (await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, Cancel))).ShouldNotBe(waiting);

        closed.SetResult();

        (await Should.ThrowAsync<SignInRequiredException>(() => asking)).Reason.ShouldBe(SignInRequiredReason.UserDenied);
        (await Should.ThrowAsync<SignInRequiredException>(() => waiting)).Reason.ShouldBe(SignInRequiredReason.TimedOut);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Each_program_renews_at_a_moment_of_its_own_between_72_and_88_per_cent_of_the_life()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var moments = Enumerable.Range(0, 200).Select(_ => new Refresh(client).RenewsAfter).ToList();

        moments.ShouldAllBe(moment => moment >= 0.72 && moment <= 0.88);
        (moments.Max() - moments.Min()).ShouldBeGreaterThan(0.1);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = TimeSpan.FromMinutes(10 * (client.Refresh.RenewsAfter - 0.02));
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(1);
        server.Time.Shift = TimeSpan.FromMinutes(10 * (client.Refresh.RenewsAfter + 0.02));
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(503, "{}")]
    [InlineData(429, "{}")]
    [InlineData(200, "{")]
    public async Task A_renewal_ahead_of_time_that_fails_is_no_matter_and_is_not_tried_again_at_once(int status, string body)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored.AccessToken;
        server.Time.Shift = TimeSpan.FromMinutes(8.9);
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, status, body);

        for (var call = 0; call < 3; call++) (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(before);
        server.Count("/token").ShouldBe(2);

        server.Instead.Clear();
        server.Time.Shift = TimeSpan.FromMinutes(9.45);
        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldNotBe(before);
    }

    [Fact]
    public async Task A_renewal_ahead_of_time_that_the_server_refuses_ends_the_session_with_the_token_still_good()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = TimeSpan.FromMinutes(8.9);
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_grant");

        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Reason.ShouldBe(SignInRequiredReason.SessionEnded);
    }

    [Fact]
    public async Task A_clock_that_was_set_back_does_not_make_a_token_last_longer()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Time.Shift = TimeSpan.FromHours(3);
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = TimeSpan.Zero;

        // By the clock it has three hours left; how much of its ten minutes is over nobody knows.
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(2);
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(2, "from now on the clock is right again");
    }

    [Fact]
    public async Task A_clock_that_jumps_ahead_costs_one_refresh_for_all_who_notice()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => client.FindSessionAsync(Cancel)));
        server.Time.Shift = TimeSpan.FromHours(9);

        await Task.WhenAll(sessions.Select(session => session!.GetAccessTokenAsync(cancel: Cancel)));

        server.TokenRequests.Count.ShouldBe(2);
        server.Reuses.ShouldBe(0);
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TemporaryFolder? folder = null, string? profile = null)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with
        {
            Store = folder?.Store ?? TokenStore.InMemory,
            Profile = profile ?? "default",
            Resource = profile is null ? null : $"https://{profile}.example/",
        });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
