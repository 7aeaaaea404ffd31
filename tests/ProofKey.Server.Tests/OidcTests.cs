using System.Net;
using ProofKey.Jose;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What OpenID Connect adds: who signed in, when, and how the client may ask again.</summary>
public sealed class OidcTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("OI-01")]
    [Rfc("OpenID Connect Core", "3.1.3.6")]
    public async Task An_ID_token_says_who_when_for_whom_and_for_which_request()
    {
        var code = await at.CodeAsync();
        var tokens = await at.RedeemAsync(code);
        var idToken = await at.VerifyAsync(tokens.Text("id_token"), at.Client.Id);
        idToken.Issuer.ShouldBe(at.Server.Issuer);
        idToken.Audiences.ShouldBe([at.Client.Id]);
        idToken.Subject!.Length.ShouldBeInRange(1, 255);
        idToken.Subject.ShouldAllBe(character => char.IsAscii(character));
        idToken.Text("nonce").ShouldBe(code.Request.Nonce);
        idToken.IssuedAt!.Value.ToUnixTimeSeconds().ShouldBe(at.Server.Time.Now.ToUnixTimeSeconds());
        idToken.ExpiresAt.ShouldBeGreaterThan(idToken.IssuedAt.Value);
        idToken.Text("at_hash").ShouldBe(Base64UrlText.Encode(Secret.Digest(tokens.Text("access_token")).AsSpan(0, 16)));
        idToken.Claims.GetProperty("amr").EnumerateArray().Select(value => value.GetString()).ShouldBe(["pwd"]);
    }

    [Fact]
    [Assertion("OI-02")]
    [Rfc("RFC 8725", "3.1")]
    public async Task ID_tokens_are_signed_as_registered_and_none_cannot_be_registered()
    {
        var rsa = await at.AddClientAsync(registration => registration with { IdTokenAlgorithm = "RS256" });
        Jws.TryRead((await at.TokensAsync("openid", rsa)).Text("id_token"), out var signed, out _).ShouldBeTrue();
        signed!.AlgorithmName.ShouldBe("RS256");
        foreach (var algorithm in (string[])["none", "None", "HS256", "es256", ""])
            await Should.ThrowAsync<FormatException>(() => at.AddClientAsync(registration => registration with { IdTokenAlgorithm = algorithm }));
    }

    [Fact]
    [Assertion("OI-03")]
    [Rfc("OpenID Connect Core", "3.1.2.6")]
    public async Task Prompt_none_shows_no_page_and_says_what_would_be_needed()
    {
        using var nobody = at.Server.NewPerson();
        Answer(await nobody.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set("prompt", "none").ToString()), "error").ShouldBe("login_required");

        var asksForConsent = await at.Server.AddClientAsync("https://third.example/callback");
        Answer(await at.Person.GetAsync(new AuthorizeUrl(at.Server, asksForConsent).Set("prompt", "none").ToString()), "error").ShouldBe("consent_required");

        Answer(await at.Person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set("prompt", "none").Set("max_age", "0").ToString()), "error").ShouldBe("login_required");
        Answer(await at.Person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set("prompt", "none").ToString()), "code").ShouldNotBeNull();
    }

    [Fact]
    [Assertion("OI-03")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task The_hint_of_another_person_or_of_nobody_signs_nobody_in()
    {
        var (account, other) = await at.AddPersonAsync();
        using var _ = other;
        var theirs = (await at.TokensAsync("openid", person: other, userName: account.Name)).Text("id_token");
        var ours = (await at.TokensAsync()).Text("id_token");
        var forAnotherClient = (await at.TokensAsync("openid", at.Other)).Text("id_token");
        async Task<string?> ErrorAsync(string hint) => Answer(await at.Person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set("prompt", "none").Set("id_token_hint", hint).ToString()), "error");

        (await ErrorAsync(ours)).ShouldBeNull();
        (await ErrorAsync(theirs)).ShouldBe("login_required");
        (await ErrorAsync(forAnotherClient)).ShouldBe("login_required");
        (await ErrorAsync(ours[..^3] + "AAA")).ShouldBe("login_required");
        (await ErrorAsync("x")).ShouldBe("login_required");
    }

    [Theory]
    [Assertion("OI-04")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    [InlineData("login")]
    [InlineData("login consent")]
    public async Task Prompt_login_means_a_real_sign_in_with_a_new_time(string prompt)
    {
        using var person = at.Server.NewPerson();
        var first = await at.VerifyAsync((await at.TokensAsync("openid", person: person)).Text("id_token"), at.Client.Id);
        at.Server.Time.Advance(TimeSpan.FromMinutes(1));

        var request = new AuthorizeUrl(at.Server, at.Client).Set("scope", "openid").Set("prompt", prompt);
        (await Person.FormOf(await person.GetAsync(request.ToString()))).Fields.ShouldContainKey("username", "a living session is not enough");
        var code = new IssuedCode(at.Client, request, (await person.AuthorizeAsync(request))["code"]);
        var second = await at.VerifyAsync((await at.RedeemAsync(code)).Text("id_token"), at.Client.Id);
        second.Number("auth_time").ShouldBe(first.Number("auth_time") + 60);

        (await Person.FormOf(await person.GetAsync(request.ToString()))).Fields.ShouldContainKey("username", "and once done it is not done for good");
    }

    [Fact]
    [Assertion("OI-04")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task Going_back_dropping_the_prompt_and_sending_an_old_form_are_no_sign_in()
    {
        using var person = at.Server.NewPerson();
        var before = await at.VerifyAsync((await at.TokensAsync("openid", person: person)).Text("id_token"), at.Client.Id);
        at.Server.Time.Advance(TimeSpan.FromMinutes(1));
        var request = new AuthorizeUrl(at.Server, at.Client).Set("scope", "openid").Set("prompt", "login");
        var toSignIn = (await person.GetOnceAsync(request.ToString())).Headers.Location!.OriginalString;
        var form = await Person.FormOf(await person.GetAsync(toSignIn));

        // Back to the authorization endpoint, with the ticket that the page had.
        var back = toSignIn.Replace("/signin?", "/authorize?", StringComparison.Ordinal);
        (await person.GetOnceAsync(back)).Headers.Location!.OriginalString.ShouldStartWith("/signin?");

        // Without the prompt it is another request, and its ID token says how old the sign-in is.
        var dropped = Browsing.WithParameter(back, "prompt", null);
        var code = new IssuedCode(at.Client, request, Person.AnswerOf(await person.GetAsync(dropped))["code"]);
        (await at.VerifyAsync((await at.RedeemAsync(code)).Text("id_token"), at.Client.Id)).Number("auth_time").ShouldBe(before.Number("auth_time"));

        (string, string)[] fields = [("username", RunningServer.UserName), ("password", RunningServer.Password)];
        Person.AnswerOf(await person.SubmitAsync(form, fields)).ShouldContainKey("code");
        await (await person.PostOnceAsync(form, fields)).ShouldBeFormAgainAsync("the form was for the browser before the sign-in");
        (await person.GetOnceAsync(back)).Headers.Location!.OriginalString.ShouldStartWith("/signin?", customMessage: "and so was the ticket");
    }

    [Fact]
    [Assertion("OI-05")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task Max_age_asks_again_when_the_sign_in_is_too_old()
    {
        using var person = at.Server.NewPerson();
        await at.CodeAsync(person: person);
        at.Server.Time.Advance(TimeSpan.FromSeconds(2));
        var young = new AuthorizeUrl(at.Server, at.Client).Set("max_age", "3");
        Answer(await person.GetAsync(young.ToString()), "code").ShouldNotBeNull();
        foreach (var maxAge in (string[])["0", "1"])
        {
            var request = new AuthorizeUrl(at.Server, at.Client).Set("max_age", maxAge);
            (await Person.FormOf(await person.GetAsync(request.ToString()))).Fields.ShouldContainKey("username", maxAge);
        }
        var old = new AuthorizeUrl(at.Server, at.Client).Set("scope", "openid").Set("max_age", "0");
        var code = new IssuedCode(at.Client, old, (await person.AuthorizeAsync(old))["code"]);
        var idToken = await at.VerifyAsync((await at.RedeemAsync(code)).Text("id_token"), at.Client.Id);
        idToken.Number("auth_time").ShouldBe(at.Server.Time.Now.ToUnixTimeSeconds());
    }

    [Theory]
    [Assertion("OI-05")]
    [Assertion("OI-06")]
    [InlineData("max_age", "-1", "invalid_request")]
    [InlineData("max_age", "1e9", "invalid_request")]
    [InlineData("max_age", "abc", "invalid_request")]
    [InlineData("max_age", " 1", "invalid_request")]
    [InlineData("max_age", "1.5", "invalid_request")]
    [InlineData("max_age", "99999999999", "invalid_request")]
    [InlineData("prompt", "none login", "invalid_request")]
    [InlineData("prompt", "login none", "invalid_request")]
    [InlineData("prompt", "create", "invalid_request")]
    [InlineData("prompt", "None", "invalid_request")]
    public async Task Values_that_mean_nothing_are_refused(string name, string value, string error) =>
        Answer(await at.Person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set(name, value).ToString()), "error").ShouldBe(error);

    [Theory]
    [Assertion("OI-08")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    [InlineData("profile email")]
    [InlineData("offline_access")]
    [InlineData(null)]
    public async Task Without_openid_there_is_no_ID_token(string? scope)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("scope", scope);
        var code = new IssuedCode(at.Client, request, (await at.Person.AuthorizeAsync(request))["code"]);
        var tokens = await at.RedeemAsync(code);
        tokens.Status.ShouldBe(HttpStatusCode.OK);
        tokens.Body.TryGetProperty("id_token", out _).ShouldBeFalse();
        (await at.RefreshAsync(tokens.Text("refresh_token"))).Body.TryGetProperty("id_token", out _).ShouldBeFalse();
    }

    [Fact]
    [Assertion("OI-09")]
    [Rfc("OpenID Connect Core", "5.7")]
    public async Task A_new_account_of_an_old_name_is_another_person()
    {
        var (account, person) = await at.AddPersonAsync();
        using var _ = person;
        var tokens = await at.TokensAsync("openid", person: person, userName: account.Name);
        (await at.Server.Registry.RemoveAccountAsync(account.Name, TestContext.Current.CancellationToken)).ShouldBeTrue();
        var again = await at.Server.Registry.AddAccountAsync(account.Name, RunningServer.Password, null, isAdmin: false);
        again.Subject.ShouldNotBe(account.Subject);

        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeFalse("the namesake inherits nothing");
        var theirs = await at.VerifyAsync((await at.TokensAsync("openid", person: person, userName: account.Name)).Text("id_token"), at.Client.Id);
        theirs.Subject.ShouldBe(again.Subject);
    }

    [Theory]
    [Assertion("OI-10")]
    [InlineData("acr_values", "urn:mace:incommon:iap:silver <script>")]
    [InlineData("login_hint", "\"><script>alert(1)</script>")]
    [InlineData("ui_locales", "xx-'\"<")]
    [InlineData("display", "wap")]
    public async Task Wishes_that_are_not_granted_change_nothing_and_are_never_shown_raw(string name, string value)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("scope", "openid").Set(name, value);
        var code = new IssuedCode(at.Client, request, (await at.Person.AuthorizeAsync(request))["code"]);
        var idToken = await at.VerifyAsync((await at.RedeemAsync(code)).Text("id_token"), at.Client.Id);
        idToken.Claims.TryGetProperty("email", out _).ShouldBeFalse();
        idToken.Subject.ShouldNotBe("admin");

        using var nobody = at.Server.NewPerson();
        var page = await (await nobody.GetAsync(request.ToString())).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        page.ShouldNotContain("<script>");
    }

    private static string? Answer(HttpResponseMessage response, string name) => Person.AnswerOf(response).GetValueOrDefault(name);
}
