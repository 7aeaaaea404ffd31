namespace ProofKey.Client.Tests;

/// <summary>A clock that is wrong, here or there: measured by the Date of the answer, and named.</summary>
public sealed class ClockTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(-11, "id_token_iat", "11 min behind the one of 127.0.0.1")]
    [InlineData(11, "id_token_expired", "11 min ahead of the one of 127.0.0.1")]
    [InlineData(-60 * 24 * 400, "id_token_iat", "400 days behind")]
    public async Task A_wrong_clock_of_this_machine_is_named_with_how_wrong_it_is(int minutes, string code, string said)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { TimeProvider = new ShiftedTime { Shift = TimeSpan.FromMinutes(minutes) } });

        var refused = await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel));

        refused.Code.ShouldBe(code);
        refused.Actual.ShouldContain($"this machine's clock is {said}");
        refused.Remedy.ShouldContain("Set this machine's clock");
    }

    [Fact]
    public async Task Where_the_clocks_agree_no_clock_is_blamed()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims["exp"] = server.Time.GetUtcNow().ToUnixTimeSeconds() - 3600;
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel))).Actual.ShouldNotContain("clock");
    }

    [Fact]
    public async Task A_clock_that_is_set_back_by_a_day_stops_neither_renewals_nor_the_reading_of_keys()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = TimeSpan.FromMinutes(8.9);
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "temporarily_unavailable");
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.Instead.Clear();

        server.Time.Shift = -TimeSpan.FromDays(1);
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.Count("/token").ShouldBe(3, "when the token ends can no longer be told");
        server.Count("/jwks").ShouldBe(2, "nor how old the keys are");
        server.Time.Shift += TimeSpan.FromMinutes(8.9);
        await session.GetAccessTokenAsync(cancel: Cancel);

        server.Count("/token").ShouldBe(4, "the rest after a renewal that failed was for half a minute");
    }

    [Fact]
    public void The_clock_of_a_server_never_changes_what_is_checked()
    {
        var clock = new ServerClock();
        var now = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        clock.Clause().ShouldBeEmpty();
        clock.Observe("login.example.com", null, now);
        clock.Clause().ShouldBeEmpty();
        clock.Observe("login.example.com", now.AddSeconds(29), now);
        clock.Clause().ShouldBeEmpty();
        clock.Observe("login.example.com", now.AddSeconds(45), now);
        clock.Clause().ShouldBe("; this machine's clock is 45 s behind the one of login.example.com");
        clock.Observe("login.example.com", now.AddHours(-3), now);
        clock.Clause().ShouldBe("; this machine's clock is 3 hours ahead of the one of login.example.com");
        typeof(ServerClock).GetMethods().Select(method => method.ReturnType).ShouldNotContain(typeof(DateTimeOffset), "nothing can compute with it");
    }
}
