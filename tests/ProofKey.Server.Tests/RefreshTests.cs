using System.Net;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Rotation with two slots: the current token and its one tolerated predecessor.</summary>
public sealed class RefreshTests(TokenServer at) : IClassFixture<TokenServer>
{
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BeyondLeeway = TimeSpan.FromSeconds(11);

    [Fact]
    [Assertion("RT-01")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task The_first_refresh_gives_a_new_token_in_the_very_tick_of_the_sign_in()
    {
        var first = await FirstAsync();
        (await at.NextAsync(first)).ShouldNotBe(first);
    }

    [Fact]
    [Assertion("RT-01")]
    public async Task Each_refresh_beyond_the_leeway_gives_a_new_token()
    {
        var seen = new List<string> { await FirstAsync() };
        for (var refresh = 0; refresh < 5; refresh++)
        {
            seen.Add(await at.NextAsync(seen[^1]));
            at.Server.Time.Advance(BeyondLeeway);
        }
        seen.ShouldBeUnique();
    }

    [Fact]
    [Assertion("RT-04")]
    public async Task Within_the_leeway_both_slots_give_the_same_token_again()
    {
        var first = await FirstAsync();
        var second = await at.NextAsync(first);
        (await at.NextAsync(first)).ShouldBe(second, "the answer was lost");
        (await at.NextAsync(second)).ShouldBe(second, "another process has it already");
        at.Server.Time.Advance(Leeway);
        (await at.NextAsync(first)).ShouldBe(second, "the last moment of the leeway belongs to it");
        (await at.NextAsync(second)).ShouldBe(second);
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await at.NextAsync(second)).ShouldNotBe(second, "one moment later it rotates");
    }

    [Fact]
    [Assertion("RT-04")]
    public async Task The_last_moment_of_the_leeway_counts_whatever_fraction_of_a_millisecond_the_clock_shows()
    {
        var first = await FirstAsync();
        var second = await at.NextAsync(first);
        at.Server.Time.Advance(Leeway + TimeSpan.FromTicks(4321));
        try
        {
            (await at.NextAsync(first)).ShouldBe(second, "the predecessor is tolerated and not an alarm");
        }
        finally
        {
            at.Server.Time.Advance(TimeSpan.FromTicks(TimeSpan.TicksPerMillisecond - 4321));
        }
    }

    [Fact]
    [Assertion("RT-02")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task An_ancestor_revokes_the_grant_with_all_its_tokens()
    {
        var first = await FirstAsync();
        var second = await at.NextAsync(first);
        at.Server.Time.Advance(BeyondLeeway);
        var third = await at.RefreshAsync(second);
        third.Status.ShouldBe(HttpStatusCode.OK);
        (await at.LivesAsync(third.Text("access_token"))).ShouldBeTrue();

        (await at.RefreshAsync(first)).Error.ShouldBe("invalid_grant");

        (await at.RefreshAsync(third.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(second)).Error.ShouldBe("invalid_grant");
        (await at.LivesAsync(third.Text("access_token"))).ShouldBeFalse();
        at.Server.Log.Lines.ShouldContain(line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("An old refresh token came back", StringComparison.Ordinal));
    }

    [Fact]
    [Assertion("RT-02")]
    public async Task A_token_before_the_predecessor_is_an_ancestor_within_the_leeway_too()
    {
        var first = await FirstAsync();
        var second = await at.NextAsync(first);
        at.Server.Time.Advance(BeyondLeeway);
        var third = await at.NextAsync(second);
        (await at.NextAsync(second)).ShouldBe(third, "the predecessor itself is tolerated");
        (await at.RefreshAsync(first)).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(third)).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("RT-04")]
    public async Task A_predecessor_that_returns_late_supersedes_the_successor_that_nobody_used()
    {
        var first = await FirstAsync();
        var lost = await at.NextAsync(first);
        at.Server.Time.Advance(TimeSpan.FromDays(1));
        var third = await at.NextAsync(first);
        third.ShouldNotBe(lost);
        at.Server.Log.Lines.ShouldContain(line => line.Contains("Late return", StringComparison.Ordinal));
        at.Server.Time.Advance(BeyondLeeway);
        var fourth = await at.NextAsync(third);

        at.Server.Time.Advance(BeyondLeeway);
        (await at.RefreshAsync(lost)).Error.ShouldBe("invalid_grant", "there is never a second chain");
        (await at.RefreshAsync(fourth)).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("RT-02")]
    public async Task A_superseded_successor_that_comes_back_is_reuse()
    {
        var first = await FirstAsync();
        var copied = await at.NextAsync(first);
        at.Server.Time.Advance(BeyondLeeway);
        var third = await at.NextAsync(first);
        (await at.RefreshAsync(copied)).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(third)).Error.ShouldBe("invalid_grant");
    }

    [Theory]
    [Assertion("RT-04")]
    [InlineData(-1, null)]
    [InlineData(0, "invalid_grant")]
    public async Task A_predecessor_may_return_for_seven_days(int millisecondsBeyond, string? error)
    {
        var first = await FirstAsync();
        var second = await at.NextAsync(first);
        at.Server.Time.Advance(TimeSpan.FromDays(7) + TimeSpan.FromMilliseconds(millisecondsBeyond));
        (await at.RefreshAsync(first)).Error.ShouldBe(error);
        (await at.RefreshAsync(second)).Error.ShouldBe("invalid_grant", "either it was superseded, or the grant was revoked");
    }

    [Fact]
    [Assertion("RT-03")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task Of_32_refreshes_at_the_same_time_all_get_one_and_the_same_successor()
    {
        var token = await FirstAsync();
        for (var round = 0; round < 3; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => at.RefreshAsync(token)));
            answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK);
            var successor = answers.Select(answer => answer.Text("refresh_token")).Distinct().ShouldHaveSingleItem();
            successor.ShouldNotBe(token);
            token = successor;
            at.Server.Time.Advance(BeyondLeeway);
        }
    }

    [Fact]
    [Assertion("RT-03")]
    public async Task Of_both_slots_at_the_same_time_one_chain_goes_on()
    {
        for (var round = 0; round < 10; round++)
        {
            var first = await FirstAsync();
            var second = await at.NextAsync(first);
            at.Server.Time.Advance(BeyondLeeway);
            var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(number => at.RefreshAsync(number % 2 == 0 ? first : second)));
            answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK || answer.Error == "invalid_grant");
            var successors = answers.Where(answer => answer.Status == HttpStatusCode.OK).Select(answer => answer.Text("refresh_token")).Distinct().ToList();
            successors.Count.ShouldBe(1, "whichever moved first, there is one successor");
        }
    }

    [Fact]
    [Assertion("RT-05")]
    [Rfc("RFC 6749", "10.4")]
    public async Task A_token_of_another_client_is_refused_and_the_attempt_revokes_nothing()
    {
        var token = await FirstAsync();
        foreach (var scope in (string?[])[null, "openid", "openid email phone"])
        {
            var stolen = await at.Server.RefreshAsync(at.Other, token, scope);
            (stolen.Status, stolen.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_grant"));
        }
        var nameless = await at.PostAsync(new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["refresh_token"] = token });
        (nameless.Status, nameless.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));

        var next = await at.NextAsync(token);
        at.Server.Time.Advance(BeyondLeeway);
        await at.NextAsync(next);
        (await at.Server.RefreshAsync(at.Other, token)).Error.ShouldBe("invalid_grant", "an ancestor, and another client");
        (await at.RefreshAsync(next)).Status.ShouldBe(HttpStatusCode.OK, "only its own client sets off the alarm");
    }

    [Fact]
    [Assertion("RT-06")]
    [Rfc("RFC 6749", "6")]
    public async Task A_refresh_may_narrow_the_scope_for_one_access_token_and_never_widen_it()
    {
        var token = (await at.TokensAsync("openid profile email")).Text("refresh_token");
        foreach (var wider in (string[])["openid profile email offline_access", "phone", "openid Profile"])
        {
            var answer = await at.RefreshAsync(token, wider);
            (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_scope"));
        }
        var narrow = await at.RefreshAsync(token, "openid");
        narrow.Text("scope").ShouldBe("openid");
        var claims = (await at.Server.UserinfoAsync(narrow.Text("access_token"))).Body;
        claims.TryGetProperty("email", out _).ShouldBeFalse();

        var whole = await at.RefreshAsync(narrow.Text("refresh_token"));
        whole.Text("scope").ShouldBe("openid profile email");
        (await at.RefreshAsync(token, "email")).Body.TryGetProperty("id_token", out _).ShouldBeFalse("without openid there is no ID token");
    }

    [Theory]
    [Assertion("RT-06")]
    [InlineData("a\"b")]
    [InlineData("a\\b")]
    [InlineData("é")]
    public async Task A_scope_of_impossible_characters_is_refused_and_costs_nothing(string scope)
    {
        var token = await FirstAsync();
        (await at.RefreshAsync(token, scope)).Error.ShouldBe("invalid_scope");
        (await at.RefreshAsync(token)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Rfc("RFC 6749", "6")]
    public async Task A_refresh_may_repeat_all_that_was_granted_and_bring_what_means_nothing_here()
    {
        var tokens = await at.TokensAsync("openid profile offline_access");
        var fields = new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["client_id"] = at.Client.Id,
            ["refresh_token"] = tokens.Text("refresh_token"),
            ["scope"] = "offline_access profile openid",
            ["redirect_uri"] = "https://app.example/other",
            ["client_secret"] = "",
            ["access_type"] = "offline",
            ["code_verifier"] = "x",
        };
        var answer = await at.PostAsync(fields);
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
        answer.Text("scope").Split(' ').Order().ShouldBe(["offline_access", "openid", "profile"]);
    }

    [Fact]
    [Assertion("RT-07")]
    public async Task Rotation_never_moves_the_absolute_end_of_thirty_days()
    {
        var token = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        for (var days = 0; days < 29; days++)
        {
            at.Server.Time.Advance(TimeSpan.FromDays(1));
            token = await at.NextAsync(token);
        }
        at.Server.Time.Advance(TimeSpan.FromDays(1) - TimeSpan.FromMilliseconds(1));
        var last = await at.RefreshAsync(token);
        last.Status.ShouldBe(HttpStatusCode.OK);
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await at.RefreshAsync(last.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.LivesAsync(last.Text("access_token"))).ShouldBeFalse("userinfo looks at the grant");
    }

    [Fact]
    [Assertion("RT-07")]
    public async Task A_grant_that_nobody_uses_for_fourteen_days_ends()
    {
        var used = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        var never = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        at.Server.Time.Advance(TimeSpan.FromDays(14) - TimeSpan.FromMilliseconds(1));
        used = await at.NextAsync(used);
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await at.RefreshAsync(never)).Error.ShouldBe("invalid_grant");
        at.Server.Time.Advance(TimeSpan.FromDays(14) - TimeSpan.FromMilliseconds(1));
        (await at.RefreshAsync(used)).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("RT-13")]
    public async Task Without_offline_access_a_grant_ends_with_the_session_that_it_came_from()
    {
        using var person = at.Server.NewPerson();
        var token = (await at.TokensAsync("openid", person: person)).Text("refresh_token");
        var offline = (await at.TokensAsync("openid offline_access", person: person)).Text("refresh_token");
        at.Server.Time.Advance(TimeSpan.FromHours(12) - TimeSpan.FromMilliseconds(1));
        token = await at.NextAsync(token);
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await at.RefreshAsync(token)).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(offline)).Status.ShouldBe(HttpStatusCode.OK, "offline_access outlives the session");
    }

    [Fact]
    [Assertion("RT-13")]
    public async Task Ending_the_session_ends_its_grants_at_once_and_spares_those_with_offline_access()
    {
        using var person = at.Server.NewPerson();
        var tokens = await at.TokensAsync("openid", person: person);
        var offline = await at.TokensAsync("openid offline_access", person: person);
        var cookie = person.Cookies.GetCookies(new Uri(at.Server.Issuer))["proofkey-session"]!.Value;
        await at.Server.Service<Storage.SessionStore>().EndAsync(Storage.SessionStore.KeyOf(cookie), at.Server.Time.Now);

        (await at.RefreshAsync(tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeFalse();
        (await at.LivesAsync(offline.Text("access_token"))).ShouldBeTrue();
        (await at.RefreshAsync(offline.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("RT-10")]
    public async Task A_clock_that_steps_back_an_hour_signs_nobody_out_and_forks_nothing()
    {
        var first = await FirstAsync();
        var second = await at.NextAsync(first);
        at.Server.Time.Advance(BeyondLeeway);
        var third = await at.NextAsync(second);
        at.Server.Time.Advance(-TimeSpan.FromHours(1));
        try
        {
            (await at.NextAsync(third)).ShouldBe(third);
            (await at.NextAsync(second)).ShouldBe(third);
            (await at.RefreshAsync(first)).Error.ShouldBe("invalid_grant", "the counter knows an ancestor, whatever the clock says");
            (await at.RefreshAsync(third)).Error.ShouldBe("invalid_grant");
        }
        finally
        {
            at.Server.Time.Advance(TimeSpan.FromHours(1));
        }
    }

    [Fact]
    [Assertion("RT-14")]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task The_ID_token_of_a_refresh_is_about_the_same_sign_in()
    {
        var tokens = await at.TokensAsync();
        var original = await at.VerifyAsync(tokens.Text("id_token"), at.Client.Id);
        at.Server.Time.Advance(TimeSpan.FromMinutes(5));
        var refreshed = await at.RefreshAsync(tokens.Text("refresh_token"));
        var later = await at.VerifyAsync(refreshed.Text("id_token"), at.Client.Id);
        (later.Issuer, later.Subject, later.Number("auth_time")).ShouldBe((original.Issuer, original.Subject, original.Number("auth_time")));
        later.Audiences.ShouldBe(original.Audiences);
        later.IssuedAt.ShouldBe(original.IssuedAt + TimeSpan.FromMinutes(5));
        later.Text("nonce").ShouldBeNull();
    }

    [Fact]
    [Assertion("TK-12")]
    public async Task A_token_that_was_sealed_with_our_key_and_another_secret_is_refused_loudly_and_revokes_nothing()
    {
        var token = await FirstAsync();
        var forged = Opened(token) with { RowSecret = Secret.NewBytes(RefreshToken.SecretLength) };
        (await at.RefreshAsync(forged.Seal(Keys))).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync((forged with { Sequence = 0 }).Seal(Keys))).Error.ShouldBe("invalid_grant");
        at.Server.Log.Lines.ShouldContain(line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("another secret", StringComparison.Ordinal));
        (await at.RefreshAsync(token)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("RT-09")]
    public async Task A_token_ahead_of_its_row_is_refused_and_revokes_nothing()
    {
        var token = await FirstAsync();
        foreach (var ahead in (int[])[1, 2, 1000])
            (await at.RefreshAsync((Opened(token) with { Sequence = 1 + ahead }).Seal(Keys))).Error.ShouldBe("invalid_grant");
        var next = await at.NextAsync(token);
        (await at.RefreshAsync((Opened(next) with { Sequence = 3 }).Seal(Keys))).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(next)).Status.ShouldBe(HttpStatusCode.OK);
    }

    private KeyRing Keys => at.Server.Service<KeyRing>();

    private RefreshToken Opened(string token) => RefreshToken.Open(token, Keys)!;

    private async Task<string> FirstAsync() => (await at.TokensAsync("openid offline_access")).Text("refresh_token");
}
