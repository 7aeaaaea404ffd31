using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Floods from one network are bounded, route by route, and whoever sends good requests is never slowed.</summary>
public sealed class LimitTests
{
    private static readonly Dictionary<string, string> Guess = new() { ["grant_type"] = "refresh_token", ["client_id"] = "guessed", ["refresh_token"] = "pkr_guessed" };

    [Fact]
    public void Defaults_leave_room_for_an_office_behind_one_address()
    {
        var options = new ServerOptions();
        (options.TriesPerMinute, options.RefusalsPerMinute, options.RequestsPerMinute).ShouldBe((60, 300, 1200));
    }

    [Fact]
    [Assertion("TK-18")]
    [Rfc("RFC 6749", "10.10")]
    [Rfc("RFC 6585", "4")]
    public async Task Whoever_guesses_at_the_token_endpoint_has_to_wait_and_learns_nothing()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RefusalsPerMinute = 300);
        var client = await server.AddClientAsync(change: registration => registration with { Origins = ["https://app.example"] });
        var tokens = await server.SignInAsync(client, "openid offline_access");
        var answers = new List<string>();
        (await server.PostFormAsync("/revoke", [new("client_id", client.Id), new("token", "x")], request => request.Headers.Add("Origin", "https://app.example"))).Status.ShouldBe(HttpStatusCode.OK);
        for (var i = 0; i < 300; i++)
        {
            var guess = i % 3 == 0 ? Guess : new Dictionary<string, string> { ["grant_type"] = "authorization_code", ["client_id"] = client.Id, ["code"] = $"guess{i}" };
            answers.Add((await server.PostFormAsync("/token", guess)).Error!);
        }
        answers.Distinct().Order().ShouldBe(["invalid_client", "invalid_grant"]);
        for (var i = 0; i < 20; i++)
        {
            var limited = await server.PostFormAsync("/token", Guess, request => request.Headers.Add("Origin", "https://app.example"));
            limited.Status.ShouldBe(HttpStatusCode.TooManyRequests);
            limited.Error.ShouldBe("temporarily_unavailable");
            limited.Response.Header("Retry-After").ShouldBe("60");
            limited.Response.Header("Access-Control-Allow-Origin").ShouldBe("https://app.example", "a page must be able to read why");
            limited.Response.Header("Access-Control-Expose-Headers")!.ShouldContain("Retry-After");
            limited.Response.Header("Cache-Control").ShouldBe("no-store");
        }
        (await server.RevokeAsync(client, "none of ours")).Status.ShouldBe(HttpStatusCode.OK, "each endpoint counts for itself");

        server.Time.Advance(TimeSpan.FromSeconds(61));
        (await server.RefreshAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK, "the minute is over");
    }

    [Fact]
    [Assertion("TK-18")]
    public async Task Good_requests_are_never_counted()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RefusalsPerMinute = 5);
        var client = await server.AddClientAsync();
        var token = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");
        var refreshes = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => server.RefreshAsync(client, token)));
        refreshes.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK);
        for (var i = 0; i < 5; i++) (await server.PostFormAsync("/token", Guess)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await server.RefreshAsync(client, token)).Status.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    [Assertion("UI-10")]
    public async Task A_network_has_so_many_failed_sign_ins_a_minute_and_gets_a_page_that_says_so()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.TriesPerMinute = 6);
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        // Many accounts, one guess each: what the count of one account never sees.
        for (var i = 0; i < 6; i++) (await person.PostOnceAsync(form, [("username", $"person{i}"), ("password", "Spring2030!")])).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var limited = await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password)]);
        limited.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        limited.Header("Retry-After").ShouldBe("60");
        var page = await limited.PageAsync();
        page.QuerySelector("h1")!.TextContent.ShouldBe("Too many tries");
        page.Body!.TextContent.ShouldContain("Wait 60 seconds");
        person.CookieOf(server, Sessions.SessionCookie).ShouldBeNull("not even the right password is looked at");

        server.Time.Advance(TimeSpan.FromSeconds(60));
        (await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password)])).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
    }

    [Fact]
    [Assertion("UI-10")]
    public async Task People_of_one_office_may_all_sign_in_at_once()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.TriesPerMinute = 5);
        var client = await server.AddClientAsync();
        for (var i = 0; i < 8; i++)
        {
            using var person = server.NewPerson();
            (await person.AuthorizeAsync(new AuthorizeUrl(server, client))).ShouldContainKey("code");
        }
    }

    [Theory]
    [InlineData("/token"), InlineData("/revoke"), InlineData("/introspect"), InlineData("/par"), InlineData("/device_authorization")]
    [Assertion("TK-18")]
    [Assertion("PR-02")]
    public async Task Each_endpoint_for_programs_has_a_limit(string path)
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RefusalsPerMinute = options.RequestsPerMinute = 5);
        var unknown = new Dictionary<string, string> { ["client_id"] = "guessed", ["client_secret"] = "guessed", ["token"] = "guessed", ["grant_type"] = "refresh_token" };
        for (var i = 0; i < 5; i++) (await server.PostFormAsync(path, unknown)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        var limited = await server.PostFormAsync(path, unknown);
        limited.Status.ShouldBe(HttpStatusCode.TooManyRequests);
        limited.Response.Header("Retry-After").ShouldBe("60");
        limited.Error.ShouldBe("temporarily_unavailable");
        server.Time.Advance(TimeSpan.FromMinutes(1));
        (await server.PostFormAsync(path, unknown)).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task Wrong_user_codes_of_one_network_are_limited_besides_each_accounts_own()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.TriesPerMinute = 5);
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 7; i++)
        {
            using var person = server.NewPerson();
            await server.SignInAsync(person, RunningServer.UserName);
            var form = await Person.FormOf(await person.GetAsync("/device"));
            statuses.Add((await person.PostOnceAsync(form, [("user_code", "BCDFGHJK")])).StatusCode);
        }
        statuses[..5].ShouldNotContain(HttpStatusCode.TooManyRequests);
        statuses[5..].ShouldAllBe(status => status == HttpStatusCode.TooManyRequests);
    }

    [Fact]
    [Assertion("TK-18")]
    public void When_very_many_networks_flood_the_limits_get_coarser_and_do_not_go_away()
    {
        using var limits = new RateLimits(new ServerOptions { RefusalsPerMinute = 3 }, new ManualTime { RunsTimers = false });
        bool IsSlowed(string address) => limits.WaitFor(From(address), Limit.Refusals) is not null;
        void Refuse(string address, int times = 1)
        {
            for (var count = 0; count < times; count++) limits.Settle(From(address), Limit.Refusals);
        }

        Refuse("198.51.100.1", 2);
        for (var number = 0; number < RateLimits.MaxWindows - 1; number++) Refuse($"2001:db8:{number:x}::1");
        Refuse("192.0.2.1");
        Refuse("192.0.2.2", 2);
        IsSlowed("192.0.2.3").ShouldBeTrue("whoever is new shares a window with the wider network");
        IsSlowed("203.0.113.1").ShouldBeFalse("and with nobody else");
        Refuse("2001:db8:ffff::1", 3);
        (IsSlowed("2001:db8:fffe::1"), IsSlowed("2001:db9::1")).ShouldBe((true, false));
        IsSlowed("198.51.100.1").ShouldBeFalse("whoever was there keeps a window of their own");
        Refuse("198.51.100.1");
        IsSlowed("198.51.100.1").ShouldBeTrue();
    }

    [Fact]
    [Assertion("TK-18")]
    [Assertion("DV-04")]
    [Rfc("RFC 8628", "3.5")]
    public async Task Whoever_keeps_polling_too_fast_has_to_wait_and_whoever_keeps_to_the_interval_never_has()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RefusalsPerMinute = 5);
        var client = await server.AddDeviceClientAsync();
        var (patient, hasty) = (await server.AskAsync(client), await server.AskAsync(client));
        for (var poll = 0; poll < 12; poll++)
        {
            (await server.PollAsync(patient)).Error.ShouldBe("authorization_pending");
            server.Time.Advance(TimeSpan.FromSeconds(5));
        }
        (await server.PollAsync(hasty)).Error.ShouldBe("authorization_pending");
        for (var poll = 0; poll < 5; poll++) (await server.PollAsync(hasty)).Error.ShouldBe("slow_down");
        (await server.PollAsync(hasty)).Status.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    private static DefaultHttpContext From(string address)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return context;
    }

    [Fact]
    public void A_window_counts_from_its_first_and_opens_again_even_when_the_clock_is_set_back()
    {
        var time = new ManualTime { RunsTimers = false };
        using var window = new CountedWindow(2, TimeSpan.FromMinutes(1), time);
        bool Ask(int count)
        {
            using var lease = window.AttemptAcquire(count);
            return lease.IsAcquired;
        }

        Ask(0).ShouldBeTrue();
        Ask(1).ShouldBeTrue();
        time.Advance(TimeSpan.FromSeconds(40));
        Ask(1).ShouldBeTrue();
        Ask(0).ShouldBeFalse();
        window.IdleDuration.ShouldBeNull("it must not be forgotten while it counts");
        using (var refused = window.AttemptAcquire(1))
        {
            refused.TryGetMetadata(MetadataName.RetryAfter, out var wait).ShouldBeTrue();
            wait.ShouldBe(TimeSpan.FromSeconds(20));
        }
        time.Advance(TimeSpan.FromSeconds(20));
        Ask(1).ShouldBeTrue();
        Ask(1).ShouldBeTrue();
        Ask(0).ShouldBeFalse();
        time.Advance(TimeSpan.FromHours(-1));
        Ask(0).ShouldBeTrue();
        window.IdleDuration.ShouldNotBeNull();
    }
}
