using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The claims that a client asks for one by one.</summary>
public sealed class ClaimsParameterTests(TokenServer at) : IClassFixture<TokenServer>
{
    private async Task<(JsonAnswer Tokens, JsonAnswer Userinfo)> SignInAsync(string claims, RegisteredClient? client = null, string scope = "openid")
    {
        var request = new AuthorizeUrl(at.Server, client ?? at.Client).Set("scope", scope).Set("claims", claims);
        var answer = await at.Person.AuthorizeAsync(request);
        var tokens = await at.Server.RedeemAsync(client ?? at.Client, request, answer["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return (tokens, await at.Server.UserinfoAsync(tokens.Text("access_token")));
    }

    [Fact]
    [Rfc("OpenID Connect Core", "5.5")]
    public async Task Each_claim_is_told_where_it_was_asked_for()
    {
        var (tokens, userinfo) = await SignInAsync("""{"userinfo":{"email":null,"picture":{"essential":true}},"id_token":{"name":{"essential":false},"auth_time":{"essential":true}}}""");
        userinfo.Body.EnumerateObject().Select(claim => claim.Name).ShouldBe(["email", "sub"], ignoreOrder: true);
        userinfo.Text("email").ShouldBe("alice@example.com");
        var idToken = await at.VerifyAsync(tokens.Text("id_token"), at.Client.Id);
        idToken.Text("name").ShouldBe(RunningServer.UserName);
        idToken.Text("email").ShouldBeNull("it was asked for elsewhere");
        idToken.Claims.GetProperty("auth_time").GetInt64().ShouldBeGreaterThan(0);
        tokens.Text("scope").ShouldBe("openid", "a claim is no scope");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "5.5")]
    public async Task Without_the_parameter_nothing_more_is_told()
    {
        var tokens = await at.TokensAsync("openid");
        (await at.Server.UserinfoAsync(tokens.Text("access_token"))).Body.EnumerateObject().Select(claim => claim.Name).ShouldBe(["sub"]);
        (await at.VerifyAsync(tokens.Text("id_token"), at.Client.Id)).Text("name").ShouldBeNull();
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"userinfo":null,"id_token":null}""")]
    [InlineData("""{"userinfo":{"http://example.info/claims/groups":null,"credit_card":{"essential":true}},"other":{"name":null}}""")]
    [InlineData("""{"id_token":{"iss":{"value":"https://evil.example"},"aud":{"value":"x"},"gid":null,"exp":{"value":1}}}""")]
    [InlineData("""{"userinfo":{"sub":{"value":"somebody else"}}}""")]
    [Assertion("OI-10")]
    [Rfc("OpenID Connect Core", "5.5")]
    public async Task What_nobody_here_knows_is_ignored(string claims)
    {
        var (tokens, userinfo) = await SignInAsync(claims);
        userinfo.Body.EnumerateObject().Select(claim => claim.Name).ShouldBe(["sub"]);
        (await at.VerifyAsync(tokens.Text("id_token"), at.Client.Id)).Issuer.ShouldBe(at.Server.Issuer);
    }

    public static TheoryData<string> Malformed =>
    [
        "x", "[]", "null", "1", "\"name\"", """{"userinfo":[]}""", """{"userinfo":"name"}""", """{"id_token":{"name":true}}""", """{"id_token":{"name":"x"}}""",
        """{"id_token":{"name":{"essential":"true"}}}""", """{"id_token":{"name":{"values":"x"}}}""", """{"id_token":{"sub":{"value":1}}}""", """{"id_token":{"sub":{"values":["a","b"]}}}""", """{"id_token":{"sub":{"value":"a","values":["b"]}}}""", """{"id_token":{"acr":{"essential":true,"values":[1]}}}""",
        """{"userinfo":{},"userinfo":{}}""", """{"userinfo":{"name":null,"name":null}}""", """{"userinfo":{}} x""", """{"userinfo":{"\ud800":null}}""",
        "{\"userinfo\":{\"a\":{\"value\":" + string.Concat(Enumerable.Repeat("[", 40)) + new string(']', 40) + "}}}",
        "{\"userinfo\":{\"a\":{\"value\":\"" + new string('x', 4096) + "\"}}}",
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    [Assertion("OI-10")]
    [Rfc("OpenID Connect Core", "5.5")]
    [Rfc("OpenID Connect Core", "5.5.1")]
    public async Task What_is_not_a_claims_request_is_refused(string claims)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("claims", claims);
        (await at.Person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, at.Server.Issuer)["error_description"].ShouldContain("claims");
        (await at.Server.PushAsync(request)).Error.ShouldBe("invalid_request");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "5.5")]
    public async Task People_are_asked_for_the_scope_that_has_the_claim()
    {
        var client = await at.Server.AddClientAsync();
        using var person = await at.Server.SignedInAsync();
        var request = new AuthorizeUrl(at.Server, client).Set("scope", "openid").Set("claims", """{"userinfo":{"email":null}}""");
        var page = await (await person.GetAsync(request.ToString())).PageAsync();
        page.QuerySelectorAll("ul.scopes code").Select(code => code.TextContent).ShouldBe(["openid", "email"]);
        var tokens = await at.Server.RedeemAsync(client, request, (await person.AuthorizeAsync(request))["code"]);
        (await at.Server.UserinfoAsync(tokens.Text("access_token"))).Text("email").ShouldBe("alice@example.com");
    }

    [Fact]
    [Assertion("AZ-22")]
    public async Task A_remembered_yes_to_less_does_not_cover_a_claim()
    {
        var client = await at.Server.AddClientAsync("https://claims.example/callback");
        using var person = await at.Server.SignedInAsync();
        var request = new AuthorizeUrl(at.Server, client).Set("scope", "openid");
        (await person.AuthorizeAsync(request)).ShouldContainKey("code");
        Person.AnswerOf(await person.GetAsync(request.ToString())).ShouldContainKey("code");
        request.Set("claims", """{"id_token":{"email":null}}""");
        await person.ConsentFormAsync(request);
        Person.AnswerOf(await person.GetAsync(request.Set("prompt", "none").ToString()))["error"].ShouldBe("consent_required");
    }

    [Fact]
    [Assertion("AZ-21")]
    [Rfc("OpenID Connect Core", "5.5")]
    public async Task A_client_gets_no_claim_of_a_scope_that_it_is_not_registered_for()
    {
        var client = await at.AddClientAsync(registration => registration with { Scope = "openid profile" });
        var (tokens, userinfo) = await SignInAsync("""{"userinfo":{"email":null,"name":null},"id_token":{"email":null}}""", client);
        userinfo.Body.EnumerateObject().Select(claim => claim.Name).ShouldBe(["name", "sub"], ignoreOrder: true);
        (await at.VerifyAsync(tokens.Text("id_token"), client.Id)).Text("email").ShouldBeNull();
    }

    [Fact]
    [Assertion("OI-03")]
    [Rfc("OpenID Connect Core", "3.1.2.2")]
    public async Task A_demanded_subject_is_the_one_or_there_is_no_code()
    {
        var subject = (await at.VerifyAsync((await at.TokensAsync("openid")).Text("id_token"), at.Client.Id)).Subject!;
        string Demand(string wanted) => """{"id_token":{"sub":{"value":"wanted"}}}""".Replace("wanted", wanted, StringComparison.Ordinal);
        await SignInAsync(Demand(subject));
        var other = new AuthorizeUrl(at.Server, at.Client).Set("claims", Demand("somebody-else"));
        Person.AnswerOf(await at.Person.GetAsync(other.Set("prompt", "none").ToString()))["error"].ShouldBe("login_required");
        using var person = await at.Server.SignedInAsync();
        at.Server.Time.Advance(TimeSpan.FromSeconds(1));
        (await person.AuthorizeAsync(other.Set("prompt", null)))["error"].ShouldBe("login_required", "whoever signs in is somebody else");
    }

    [Theory]
    [InlineData("""{"id_token":{"acr":{"essential":true,"values":["urn:a","urn:b"]}}}""", "urn:a urn:b")]
    [InlineData("""{"id_token":{"acr":{"essential":true,"value":"urn:a"}}}""", "urn:a")]
    [InlineData("""{"id_token":{"acr":{"values":["urn:a"]}}}""", "")]
    [InlineData("""{"id_token":{"acr":{"essential":true}}}""", "")]
    [InlineData("""{"id_token":{"acr":null}}""", "")]
    [InlineData("""{"userinfo":{"acr":{"essential":true,"values":["urn:a"]}}}""", "")]
    [Rfc("OpenID Connect Core", "5.5.1.1")]
    public void A_demanded_context_is_read_from_the_ID_token_alone(string text, string expected)
    {
        ClaimsRequest.TryParse(text, out var claims).ShouldBeTrue();
        string.Join(' ', claims!.EssentialAcr).ShouldBe(expected);
    }

    [Fact]
    [Rfc("OpenID Connect Core", "5.5.1.1")]
    public async Task A_demanded_context_that_no_sign_in_brings_is_an_error()
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("claims", """{"id_token":{"acr":{"essential":true,"values":["urn:nowhere"]}}}""");
        Person.AnswerOf(await at.Person.GetAsync(request.ToString()))["error"].ShouldBe("unmet_authentication_requirements");
        request.Set("claims", """{"id_token":{"acr":{"values":["urn:nowhere"]}}}""");
        (await at.Person.AuthorizeAsync(request)).ShouldContainKey("code");
    }

    [Fact]
    public void What_a_grant_keeps_reads_as_it_was_written()
    {
        ClaimsRequest.TryParse("""{"userinfo":{"email":null,"x":null},"id_token":{"name":null,"locale":null}}""", out var claims).ShouldBeTrue();
        claims!.ToText().ShouldBe("email|name locale");
        var read = ClaimsRequest.OfText(claims.ToText());
        (string.Join(' ', read.Userinfo), string.Join(' ', read.IdToken)).ShouldBe(("email", "name locale"));
        read.Scope.ToString().ShouldBe("email profile");
        ClaimsRequest.OfText(null).ToText().ShouldBeNull();
        ClaimsRequest.None.ToText().ShouldBeNull();
    }

    [Fact]
    [Assertion("AZ-08")]
    [Assertion("OI-10")]
    public async Task Posted_claims_stand_in_no_address()
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("scope", "openid").Set("claims", """{"userinfo":{"email":{"value":"somebody@example.com"}}}""");
        var moved = await at.Person.SendAsync(HttpMethod.Post, request.Path, request.Parameters);
        moved.Headers.Location!.OriginalString.ShouldNotContain("claims");
        var code = Person.AnswerOf(await at.Person.GetAsync(moved.Headers.Location.OriginalString))["code"];
        var tokens = await at.Server.RedeemAsync(at.Client, request, code);
        (await at.Server.UserinfoAsync(tokens.Text("access_token"))).Text("email").ShouldBe("alice@example.com");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task A_refresh_keeps_the_claims_at_userinfo()
    {
        var (tokens, _) = await SignInAsync("""{"userinfo":{"email":null},"id_token":{"name":null}}""");
        at.Server.Time.Advance(TimeSpan.FromSeconds(11));
        var refreshed = await at.Server.RefreshAsync(at.Client, tokens.Text("refresh_token"));
        (await at.Server.UserinfoAsync(refreshed.Text("access_token"))).Text("email").ShouldBe("alice@example.com");
        (await at.VerifyAsync(refreshed.Text("id_token"), at.Client.Id)).Text("name").ShouldBeNull();
    }

    [Theory]
    [InlineData("login_hint", "\"><script>alert(1)</script>")]
    [InlineData("login_hint", "alice\r\nX-Planted: 1")]
    [InlineData("login_hint", "\u202eecila")]
    [InlineData("acr_values", "\"><script>alert(1)</script>")]
    [InlineData("ui_locales", "\"><script>alert(1)</script>")]
    [InlineData("display", "\"><script>alert(1)</script>")]
    [Assertion("OI-10")]
    [Assertion("AZ-05")]
    public async Task Hostile_hints_run_nothing_and_sign_nobody_in(string name, string value)
    {
        using var person = at.Server.NewPerson();
        var response = await person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set(name, value).ToString());
        var page = await response.PageAsync();
        page.QuerySelectorAll("script").ShouldBeEmpty();
        response.Headers.Contains("X-Planted").ShouldBeFalse();
        page.QuerySelector("input[name=username]").ShouldNotBeNull();
        page.QuerySelector("input[name=password]")!.GetAttribute("value").ShouldBeNull();
    }

    [Theory]
    [InlineData("login_hint")]
    [InlineData("acr_values")]
    [InlineData("ui_locales")]
    [InlineData("display")]
    [Assertion("OI-10")]
    [Assertion("AZ-25")]
    public async Task Endless_hints_are_not_shown(string name)
    {
        using var person = at.Server.NewPerson();
        var response = await person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set(name, new string('h', 6000)).ToString());
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.PageAsync()).QuerySelector("input[name=username]")!.GetAttribute("value").ShouldBeNullOrEmpty();
    }
}
