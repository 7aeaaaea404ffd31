using System.Net;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A code becomes tokens once, for its client, its redirect URI and its verifier.</summary>
public sealed class CodeExchangeTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Theory]
    [Assertion("TK-06")]
    [Assertion("TK-07")]
    [Rfc("RFC 6749", "4.1.2")]
    [InlineData(0)]
    [InlineData(30)]
    public async Task A_code_is_good_once_and_its_replay_kills_what_the_first_use_gave(int secondsLater)
    {
        var code = await at.CodeAsync();
        var first = await at.RedeemAsync(code);
        first.Status.ShouldBe(HttpStatusCode.OK);
        (await at.LivesAsync(first.Text("access_token"))).ShouldBeTrue();

        at.Server.Time.Advance(TimeSpan.FromSeconds(secondsLater));
        var second = await at.RedeemAsync(code);
        second.Status.ShouldBe(HttpStatusCode.BadRequest);
        second.Error.ShouldBe("invalid_grant");

        (await at.LivesAsync(first.Text("access_token"))).ShouldBeFalse();
        (await at.RefreshAsync(first.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code)).Error.ShouldBe("invalid_grant", "a third use is found too");
    }

    [Fact]
    [Assertion("TK-08")]
    [Rfc("OAuth 2.1", "7.5.2")]
    public async Task A_stranger_with_a_used_code_revokes_nothing()
    {
        var code = await at.CodeAsync();
        var tokens = await at.RedeemAsync(code);
        (string, string?)[][] attempts =
        [
            [("code_verifier", CodeVerifier.New().Reveal())],
            [("code_verifier", null)],
            [("code_verifier", "short")],
            [("code_verifier", code.Request.Verifier.Challenge.ToString())],
            [("client_id", at.Other.Id)],
            [("redirect_uri", "https://evil.example/callback")],
            [("client_id", at.Other.Id), ("code_verifier", CodeVerifier.New().Reveal())],
            [("resource", "https://api.example/")],
        ];
        foreach (var attempt in attempts)
            (await at.RedeemAsync(code, attempt)).Status.ShouldBe(HttpStatusCode.BadRequest, attempt[0].Item1);

        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
        (await at.RefreshAsync(tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-09")]
    [Rfc("RFC 6749", "10.5")]
    public async Task Of_32_exchanges_at_the_same_time_one_wins_and_no_token_survives()
    {
        var code = await at.CodeAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => at.RedeemAsync(code)));

        var winner = answers.Where(answer => answer.Status == HttpStatusCode.OK).ShouldHaveSingleItem();
        answers.Where(answer => answer != winner).ShouldAllBe(answer => answer.Status == HttpStatusCode.BadRequest && answer.Error == "invalid_grant");
        (await at.LivesAsync(winner.Text("access_token"))).ShouldBeFalse("each of the others proved possession, so one of them is a thief");
        (await at.RefreshAsync(winner.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("TK-09")]
    [Assertion("TK-08")]
    public async Task Of_32_exchanges_without_the_verifier_none_wins_and_the_one_with_it_keeps_its_tokens()
    {
        var code = await at.CodeAsync();
        var strangers = Enumerable.Range(0, 31).Select(_ => at.RedeemAsync(code, ("client_id", at.Other.Id)));
        var owner = at.RedeemAsync(code);
        (await Task.WhenAll(strangers)).ShouldAllBe(answer => answer.Error == "invalid_grant");

        var tokens = await owner;
        tokens.Status.ShouldBe(HttpStatusCode.OK);
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
    }

    [Fact]
    [Assertion("TK-10")]
    [Rfc("RFC 6749", "4.1.3")]
    public async Task A_code_is_worth_nothing_to_another_client_and_stays_good_for_its_own()
    {
        var code = await at.CodeAsync();
        var stolen = await at.RedeemAsync(code, ("client_id", at.Other.Id));
        stolen.Status.ShouldBe(HttpStatusCode.BadRequest);
        stolen.Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("RU-12")]
    [Rfc("RFC 6749", "4.1.3")]
    [InlineData("https://app.example/callback/")]
    [InlineData("https://app.example/Callback")]
    [InlineData("https://app.example/callback?a=b")]
    [InlineData("http://app.example/callback")]
    [InlineData("https://app.example:443/callback")]
    [InlineData("https://evil.example/")]
    public async Task Another_redirect_uri_is_refused_and_does_not_burn_the_code(string redirectUri)
    {
        var code = await at.CodeAsync();
        (await at.RedeemAsync(code, ("redirect_uri", redirectUri))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Rfc("RFC 6749", "4.1.3")]
    public async Task The_redirect_uri_may_be_left_out_unless_the_client_is_strict()
    {
        (await at.RedeemAsync(await at.CodeAsync(), ("redirect_uri", null))).Status.ShouldBe(HttpStatusCode.OK);

        var strict = await at.AddClientAsync(registration => registration with { IsStrict = true });
        var code = await at.CodeAsync(strict);
        (await at.RedeemAsync(code, ("redirect_uri", null))).Error.ShouldBe("invalid_request");
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("AZ-14")]
    [Rfc("RFC 6749", "4.1.2")]
    public async Task A_code_lives_for_sixty_seconds()
    {
        var early = await at.CodeAsync();
        var late = await at.CodeAsync();
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(59_999));
        (await at.RedeemAsync(early)).Status.ShouldBe(HttpStatusCode.OK);
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await at.RedeemAsync(late)).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("PK-06")]
    [Rfc("RFC 7636", "4.6")]
    public async Task Without_its_verifier_a_code_gives_nothing()
    {
        var code = await at.CodeAsync();
        foreach (var verifier in (string?[])[null, ""])
        {
            var answer = await at.RedeemAsync(code, ("code_verifier", verifier));
            (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_grant"));
        }
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("PK-08")]
    [Rfc("RFC 7636", "7.2")]
    public async Task The_challenge_is_no_verifier_whatever_method_is_claimed()
    {
        var code = await at.CodeAsync();
        var challenge = code.Request.Verifier.Challenge.ToString();
        foreach (var method in (string?[])[null, "plain", "S256", ""])
            (await at.RedeemAsync(code, ("code_verifier", challenge), ("code_challenge_method", method), ("code_challenge", challenge))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("PK-14")]
    [Rfc("RFC 7636", "4.4")]
    public async Task The_verifier_of_another_code_of_the_same_client_does_not_fit()
    {
        var (a, b) = (await at.CodeAsync(), await at.CodeAsync());
        (await at.RedeemAsync(a, ("code_verifier", b.Request.Verifier.Reveal()))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(b, ("code_verifier", a.Request.Verifier.Reveal()))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(a)).Status.ShouldBe(HttpStatusCode.OK);
        (await at.RedeemAsync(b)).Status.ShouldBe(HttpStatusCode.OK);
    }

    public static TheoryData<string> MalformedVerifiers =>
    [
        new string('a', 1), new string('a', 42), new string('a', 129), new string('a', 171), new string('a', 50) + " ", new string('a', 50) + "+", new string('a', 50) + "/", new string('a', 50) + "=",
        new string('a', 50) + "é", new string('a', 50) + "!", new string('a', 50) + "%",
    ];

    [Theory]
    [Assertion("PK-11")]
    [Rfc("RFC 7636", "4.1")]
    [MemberData(nameof(MalformedVerifiers))]
    public async Task A_malformed_verifier_is_refused_although_its_digest_fits(string verifier)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("code_challenge", Base64UrlText.Encode(Secret.Digest(verifier)));
        var code = (await at.Person.AuthorizeAsync(request))["code"];
        var answer = await at.RedeemAsync(new IssuedCode(at.Client, request, code), ("code_verifier", verifier));
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
    }

    public static TheoryData<string> OddVerifiers => ["-._~" + new string('Z', 39), "0123456789-._~" + new string('a', 114), new string('~', 43), new string('.', 128)];

    [Theory]
    [Assertion("PK-12")]
    [Rfc("RFC 7636", "4.1")]
    [MemberData(nameof(OddVerifiers))]
    public async Task Every_unreserved_character_and_both_lengths_are_good(string verifier)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("code_challenge", Base64UrlText.Encode(Secret.Digest(verifier)));
        var code = (await at.Person.AuthorizeAsync(request))["code"];
        (await at.RedeemAsync(new IssuedCode(at.Client, request, code), ("code_verifier", verifier))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("PK-07")]
    [Assertion("PK-18")]
    public async Task Five_wrong_verifiers_shut_out_their_address_and_nobody_else()
    {
        var code = await at.CodeAsync();
        using var guesser = LoopbackProgram.From("127.0.0.2");
        using var owner = LoopbackProgram.From("127.0.0.3");
        for (var guess = 0; guess < 5; guess++)
            (await at.PostFromAsync(guesser, code.Exchange(("code_verifier", CodeVerifier.New().Reveal())))).ShouldBe((HttpStatusCode.BadRequest, "invalid_grant"));

        (await at.PostFromAsync(guesser, code.Exchange())).ShouldBe((HttpStatusCode.BadRequest, "invalid_grant"), "even the right one is refused from here");
        (await at.PostFromAsync(owner, code.Exchange())).ShouldBe((HttpStatusCode.OK, null));
    }

    [Fact]
    [Assertion("PK-18")]
    public async Task Four_wrong_verifiers_leave_a_fifth_try_and_count_for_one_code_only()
    {
        var (code, next) = (await at.CodeAsync(), await at.CodeAsync());
        using var http = LoopbackProgram.From("127.0.0.4");
        for (var guess = 0; guess < 4; guess++)
            (await at.PostFromAsync(http, code.Exchange(("code_verifier", CodeVerifier.New().Reveal())))).Error.ShouldBe("invalid_grant");
        (await at.PostFromAsync(http, code.Exchange())).Status.ShouldBe(HttpStatusCode.OK);
        (await at.PostFromAsync(http, next.Exchange())).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("PK-18")]
    public async Task A_hundred_wrong_verifiers_do_not_burn_a_code()
    {
        var code = await at.CodeAsync();
        using var guesser = LoopbackProgram.From("127.0.0.5");
        using var owner = LoopbackProgram.From("127.0.0.6");
        for (var guess = 0; guess < 100; guess++)
            (await at.PostFromAsync(guesser, code.Exchange(("code_verifier", CodeVerifier.New().Reveal())))).ShouldBe((HttpStatusCode.BadRequest, "invalid_grant"));
        (await at.PostFromAsync(owner, code.Exchange())).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("TK-15")]
    [Assertion("RT-08")]
    [InlineData(Ending.AccountRemoved)]
    [InlineData(Ending.AccountDisabled)]
    [InlineData(Ending.AccountDisabledAndEnabledAgain)]
    [InlineData(Ending.SignedOutEverywhere)]
    [InlineData(Ending.PasswordChanged)]
    [InlineData(Ending.SessionEnded)]
    [InlineData(Ending.ClientRemoved)]
    public async Task What_ends_between_code_exchange_and_refresh_ends_all_three(Ending ending)
    {
        var client = await at.AddClientAsync();
        var (account, person) = await at.AddPersonAsync();
        using var _ = person;
        var tokens = await at.TokensAsync("openid", client, person, account.Name);
        var used = await at.Server.RefreshAsync(client, tokens.Text("refresh_token"));
        used.Status.ShouldBe(HttpStatusCode.OK);
        var code = await at.CodeAsync(client, "openid", person, account.Name);

        await EndAsync(ending, account, client, person);

        var (status, error) = ending == Ending.ClientRemoved ? (HttpStatusCode.Unauthorized, "invalid_client") : (HttpStatusCode.BadRequest, "invalid_grant");
        var exchanged = await at.RedeemAsync(code);
        (exchanged.Status, exchanged.Error).ShouldBe((status, error));
        var current = await at.Server.RefreshAsync(client, used.Text("refresh_token"));
        (current.Status, current.Error).ShouldBe((status, error), "the current token, within the leeway");
        at.Server.Time.Advance(TimeSpan.FromSeconds(11));
        (await at.Server.RefreshAsync(client, used.Text("refresh_token"))).Error.ShouldBe(error, "the current token, beyond the leeway");
        (await at.LivesAsync(used.Text("access_token"))).ShouldBeFalse();
    }

    [Fact]
    [Assertion("TK-15")]
    public async Task A_code_that_outlives_the_end_of_its_session_gives_nothing()
    {
        using var person = at.Server.NewPerson();
        await at.CodeAsync(person: person);
        for (var hours = 0; hours < 11; hours++)
        {
            at.Server.Time.Advance(TimeSpan.FromHours(1));
            await at.CodeAsync(person: person);
        }
        at.Server.Time.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(10));
        var code = await at.CodeAsync(person: person);
        at.Server.Time.Advance(TimeSpan.FromSeconds(20));
        (await at.RedeemAsync(code)).Error.ShouldBe("invalid_grant");
    }

    private async Task EndAsync(Ending ending, Account account, RegisteredClient client, Person person)
    {
        var accounts = at.Server.Service<AccountStore>();
        if (ending == Ending.AccountRemoved) (await at.Server.Registry.RemoveAccountAsync(account.Name, TestContext.Current.CancellationToken)).ShouldBeTrue();
        if (ending is Ending.AccountDisabled or Ending.AccountDisabledAndEnabledAgain) await accounts.DisableAsync(account.Subject);
        if (ending == Ending.AccountDisabledAndEnabledAgain) await accounts.EnableAsync(account.Subject);
        if (ending == Ending.SignedOutEverywhere) await accounts.RaiseEpochAsync(account.Subject);
        if (ending == Ending.PasswordChanged) await accounts.SetPasswordAsync(account.Subject, at.Server.Service<PasswordSignIn>().Hash("another long password"));
        if (ending == Ending.ClientRemoved) (await at.Server.Registry.RemoveClientAsync(client.Id)).ShouldBeTrue();
        if (ending == Ending.SessionEnded)
            await at.Server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(person.Cookies.GetCookies(new Uri(at.Server.Issuer))["proofkey-session"]!.Value), at.Server.Time.Now);
    }

    public enum Ending
    {
        AccountRemoved,
        AccountDisabled,
        AccountDisabledAndEnabledAgain,
        SignedOutEverywhere,
        PasswordChanged,
        SessionEnded,
        ClientRemoved,
    }
}
