using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Rotation to the letter: every refresh gives a new token, and any old one ends the grant.</summary>
public sealed class RefreshStrictTests(StrictTokenServer at) : IClassFixture<StrictTokenServer>
{
    [Fact]
    [Assertion("RT-01")]
    [Assertion("RT-10")]
    [Rfc("OAuth 2.1", "4.3.1")]
    public async Task Every_refresh_rotates_many_in_one_tick_of_the_clock_too()
    {
        var seen = new List<string> { (await at.TokensAsync()).Text("refresh_token") };
        for (var refresh = 0; refresh < 5; refresh++) seen.Add(await at.NextAsync(seen[^1]));
        seen.ShouldBeUnique();
    }

    [Theory]
    [Assertion("RT-02")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Any_old_token_revokes_the_grant_at_once(int which)
    {
        var chain = new List<string> { (await at.TokensAsync()).Text("refresh_token") };
        for (var refresh = 0; refresh < 3; refresh++) chain.Add(await at.NextAsync(chain[^1]));
        (await at.RefreshAsync(chain[which])).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(chain[^1])).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("RT-03")]
    public async Task Of_32_refreshes_at_the_same_time_one_wins_and_no_chain_survives()
    {
        var tokens = await at.TokensAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => at.RefreshAsync(tokens.Text("refresh_token"))));
        var winner = answers.Where(answer => answer.Status == HttpStatusCode.OK).ShouldHaveSingleItem();
        answers.Where(answer => answer != winner).ShouldAllBe(answer => answer.Error == "invalid_grant");
        (await at.RefreshAsync(winner.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.LivesAsync(winner.Text("access_token"))).ShouldBeFalse();
    }

    [Fact]
    [Assertion("RT-10")]
    public async Task A_clock_that_steps_back_an_hour_signs_nobody_out()
    {
        var first = await at.NextAsync((await at.TokensAsync("openid offline_access")).Text("refresh_token"));
        at.Server.Time.Advance(-TimeSpan.FromHours(1));
        try
        {
            var second = await at.NextAsync(first);
            second.ShouldNotBe(first);
            (await at.NextAsync(second)).ShouldNotBe(second);
            (await at.RefreshAsync(first)).Error.ShouldBe("invalid_grant");
        }
        finally
        {
            at.Server.Time.Advance(TimeSpan.FromHours(1));
        }
    }

    [Fact]
    [Assertion("RT-05")]
    public async Task Another_client_sets_off_no_alarm()
    {
        var first = (await at.TokensAsync()).Text("refresh_token");
        var second = await at.NextAsync(first);
        (await at.Server.RefreshAsync(at.Other, first)).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(second)).Status.ShouldBe(HttpStatusCode.OK);
    }
}
