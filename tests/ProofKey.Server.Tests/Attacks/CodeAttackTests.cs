using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>Attacks on codes and on PKCE that worked elsewhere. A name ends with a case of its kind, where one was published.</summary>
public sealed class CodeAttackTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("PK-06")]
    [Assertion("PK-07")]
    [Rfc("RFC 7636", "1")]
    public async Task A_code_that_was_read_on_its_way_is_worth_nothing_to_the_thief_CVE_2022_39222()
    {
        var stolen = await at.CodeAsync();
        (await at.RedeemAsync(stolen, ("code_verifier", null))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(stolen, ("code_verifier", CodeVerifier.New().Reveal()))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(stolen)).Status.ShouldBe(HttpStatusCode.OK, "whom it was sent to still redeems it");
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("pushed")]
    [InlineData("silent")]
    [Assertion("PK-01")]
    [Assertion("PK-16")]
    public async Task On_no_way_in_a_request_without_a_challenge_gets_a_code_CVE_2025_4144(string way)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("code_challenge", null).Set("code_challenge_method", null);
        if (way == "pushed")
        {
            (await at.Server.PushAsync(request)).Error.ShouldBe("invalid_request");
            return;
        }
        if (way == "silent") request.Set("prompt", "none");
        (way == "POST" ? await at.Person.PostToAuthorizeAsync(request) : await at.Person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, at.Server.Issuer);
    }

    [Theory]
    [InlineData("code_challenge")]
    [InlineData("code_challenge_method")]
    [InlineData("both")]
    [Assertion("PK-03")]
    [Assertion("PK-09")]
    public async Task A_challenge_that_was_stripped_is_not_a_downgrade_CVE_2024_23647(string stripped)
    {
        // The victim's client will send its verifier; the attacker takes what it is compared with out of the request.
        var request = new AuthorizeUrl(at.Server, at.Client);
        if (stripped is "code_challenge" or "both") request.Set("code_challenge", null);
        if (stripped is "code_challenge_method" or "both") request.Set("code_challenge_method", null);
        var answer = (await at.Person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, at.Server.Issuer);
        answer.ShouldNotContainKey("code", "so there is nothing to send a verifier with");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [Assertion("PK-06")]
    public async Task A_verifier_that_is_left_out_does_not_switch_the_check_off_CVE_2023_48228(string? verifier) =>
        (await at.RedeemAsync(await at.CodeAsync(), ("code_verifier", verifier), ("code_challenge_method", "plain"))).Error.ShouldBe("invalid_grant");

    [Theory]
    [InlineData("plain")]
    [InlineData("PLAIN")]
    [InlineData(null)]
    [InlineData("")]
    [Assertion("PK-02")]
    [Assertion("PK-08")]
    public async Task A_challenge_is_never_its_own_verifier_CVE_2026_26247(string? method)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("code_challenge_method", method);
        (await at.Person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, at.Server.Issuer);
        var code = await at.CodeAsync();
        (await at.RedeemAsync(code, ("code_verifier", code.Request.Verifier.Challenge.ToString()), ("code_challenge_method", method))).Error.ShouldBe("invalid_grant");
    }

    [Theory]
    [InlineData("a")]
    [InlineData("abc")]
    [InlineData("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX")]
    [Assertion("PK-11")]
    [Assertion("PK-18")]
    public async Task A_verifier_that_can_be_guessed_is_none_although_its_digest_fits_CVE_2026_41213(string weak)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("code_challenge", Base64UrlText.Encode(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(weak))));
        var code = new IssuedCode(at.Client, request, (await at.Person.AuthorizeAsync(request))["code"]);
        // A guesser tries the alphabet: no guess succeeds, the right one neither.
        foreach (var guess in Enumerable.Range('a', 26).Select(letter => ((char)letter).ToString()).Append(weak))
            (await at.RedeemAsync(code, ("code_verifier", guess))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    [Assertion("PK-14")]
    public async Task The_verifier_of_a_second_flow_opens_the_first_one_no_more_than_any_other()
    {
        var (mine, victims) = (await at.CodeAsync(), await at.CodeAsync());
        (await at.RedeemAsync(victims, ("code_verifier", mine.Request.Verifier.Reveal()))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(mine, ("code_verifier", victims.Request.Verifier.Reveal()))).Error.ShouldBe("invalid_grant");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(61)]
    [InlineData(3600)]
    [Assertion("TK-06")]
    [Assertion("TK-07")]
    [Assertion("AZ-14")]
    public async Task A_code_that_holds_all_its_facts_is_still_good_only_once_CVE_2026_68079_CVE_2026_26232(int seconds)
    {
        var code = await at.CodeAsync(scope: "openid offline_access");
        var first = await at.RedeemAsync(code);
        first.Status.ShouldBe(HttpStatusCode.OK);
        at.Server.Time.Advance(TimeSpan.FromSeconds(seconds));
        for (var replay = 0; replay < 3; replay++) (await at.RedeemAsync(code)).Error.ShouldBe("invalid_grant");
        // Within the life of a code its second use tells that somebody else has it.
        if (seconds < 60) (await at.RefreshAsync(first.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("TK-08")]
    public async Task A_leaked_code_is_no_means_to_sign_its_owner_out()
    {
        var code = await at.CodeAsync();
        var tokens = await at.RedeemAsync(code);
        await at.RedeemAsync(code, ("code_verifier", CodeVerifier.New().Reveal()));
        await at.RedeemAsync(code, ("client_id", at.Other.Id));
        await at.RedeemAsync(code, ("redirect_uri", "https://evil.example/"));
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
    }

    [Fact]
    [Assertion("TK-10")]
    [Assertion("RT-05")]
    public async Task A_code_or_token_of_one_client_is_nothing_in_the_hands_of_another_CVE_2026_16089_CVE_2026_55672_CVE_2026_28513()
    {
        var code = await at.CodeAsync();
        (await at.RedeemAsync(code, ("client_id", at.Other.Id))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code, ("client_id", null))).Error.ShouldBe("invalid_request");
        var tokens = await at.RedeemAsync(code);
        (await at.Server.RefreshAsync(at.Other, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-11")]
    public async Task Nothing_that_was_sealed_or_made_for_something_else_passes_for_a_code_CVE_2026_4282()
    {
        var code = await at.CodeAsync();
        var tokens = await at.RedeemAsync(code);
        var next = await at.CodeAsync();
        using var stranger = at.Server.NewPerson();
        var form = await stranger.SignInFormAsync(new AuthorizeUrl(at.Server, at.Client));
        string[] artefacts = [tokens.Text("refresh_token"), tokens.Text("refresh_token")["pkr_".Length..], tokens.Text("access_token"), tokens.Text("id_token"), form.Fields["form_token"], next.Request.Nonce, at.Client.Id];
        foreach (var artefact in artefacts)
            (await at.RedeemAsync(next with { Text = artefact })).Error.ShouldBe("invalid_grant", artefact);
        foreach (var artefact in artefacts[1..].Append(next.Text).Append("pkr_" + next.Text).Append(code.Text))
            (await at.RefreshAsync(artefact)).Error.ShouldBe("invalid_grant", artefact);
    }

    [Fact]
    [Assertion("PK-07")]
    public async Task A_stolen_code_that_is_injected_into_the_thiefs_own_flow_fails_at_the_challenge()
    {
        // The thief starts a flow with a client of the same registration, and puts the victim's code into its callback.
        var (victims, own) = (await at.CodeAsync(), await at.CodeAsync());
        (await at.RedeemAsync(own with { Text = victims.Text })).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("AZ-19")]
    [Rfc("RFC 8252", "8.6")]
    public async Task A_first_party_program_on_loopback_never_gets_its_code_in_an_address_that_could_be_pasted_ConsentFix()
    {
        var refused = await Should.ThrowAsync<FormatException>(() => at.Server.AddClientAsync("http://127.0.0.1/callback", registration => registration with { IsFirstParty = true }));
        refused.Message.ShouldContain("form_post");
        var client = await at.Server.AddClientAsync("http://127.0.0.1/callback", registration => registration with { IsFirstParty = true, ResponseModes = [ResponseMode.FormPost] });
        foreach (var mode in (string[])["query", "fragment"])
        {
            var request = new AuthorizeUrl(at.Server, client).Set("response_mode", mode);
            var answer = await at.Person.GetAsync(request.ToString());
            (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldNotContain("name=\"code\"", Case.Sensitive);
            answer.Headers.Location?.OriginalString.ShouldNotContain("code=", Case.Sensitive);
        }
        var page = await at.Person.GetAsync(new AuthorizeUrl(at.Server, client).ToString());
        page.Headers.Location.ShouldBeNull();
        (await Person.FormOf(page)).Fields.ShouldContainKey("code");
    }

    [Fact]
    [Assertion("PK-23")]
    [Rfc("RFC 9700", "2.1.1")]
    public async Task A_verifier_that_a_client_uses_again_and_again_is_found_and_its_operator_told()
    {
        var verifier = CodeVerifier.New();
        bool IsTold(RegisteredClient client) => at.Server.Log.Lines.Any(line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains(client.Id, StringComparison.Ordinal) && line.Contains("the same code_challenge", StringComparison.Ordinal));
        var client = await at.AddClientAsync();
        for (var signIn = 0; signIn < 2; signIn++)
        {
            IsTold(client).ShouldBeFalse();
            var request = new AuthorizeUrl(at.Server, client).Set("code_challenge", verifier.Challenge.ToString());
            var code = new IssuedCode(client, request, (await at.Person.AuthorizeAsync(request))["code"]);
            (await at.RedeemAsync(code, ("code_verifier", verifier.Reveal()))).Status.ShouldBe(HttpStatusCode.OK);
        }
        IsTold(client).ShouldBeTrue();
        at.Server.Log.Lines.ShouldAllBe(line => !line.Contains(verifier.Reveal(), StringComparison.Ordinal));
        await at.TokensAsync();
        IsTold(at.Client).ShouldBeFalse("a client that makes each one anew");
    }

    [Fact]
    [Assertion("TK-09")]
    public async Task Of_twenty_exchanges_in_one_moment_one_gives_tokens_and_those_die()
    {
        var code = await at.CodeAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => at.RedeemAsync(code)));
        var winner = answers.Where(answer => answer.Status == HttpStatusCode.OK).ShouldHaveSingleItem();
        (await at.LivesAsync(winner.Text("access_token"))).ShouldBeFalse();
    }
}
