using System.Net;
using ProofKey.Jose;
using ProofKey.Server.Keys;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Userinfo opens to a living access token with <c>openid</c>, and to nothing else.</summary>
public sealed class UserinfoTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Theory]
    [Assertion("OI-07")]
    [Rfc("OpenID Connect Core", "5.3")]
    [InlineData("GET", "Bearer")]
    [InlineData("POST", "Bearer")]
    [InlineData("GET", "bearer")]
    [Rfc("OpenID Connect Core", "5.1")]
    public async Task The_claims_are_about_the_person_of_the_ID_token(string method, string scheme)
    {
        var tokens = await at.TokensAsync();
        var answer = await SendAsync(method, $"{scheme} {tokens.Text("access_token")}");
        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        answer.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        answer.Text("sub").ShouldBe((await at.VerifyAsync(tokens.Text("id_token"), at.Client.Id)).Subject);
        answer.Text("name").ShouldBe(RunningServer.UserName);
        answer.Text("email").ShouldBe("alice@example.com");
        answer.Body.GetProperty("email_verified").GetBoolean().ShouldBeFalse("nobody has proved it");
    }

    [Theory]
    [Assertion("OI-07")]
    [Rfc("OpenID Connect Core", "5.4")]
    [InlineData("openid", "sub")]
    [InlineData("openid profile", "name preferred_username sub")]
    [InlineData("openid email", "email email_verified sub")]
    public async Task A_scope_shows_its_own_claims_and_no_more(string scope, string claims)
    {
        var answer = await at.Server.UserinfoAsync((await at.TokensAsync(scope)).Text("access_token"));
        answer.Body.EnumerateObject().Select(claim => claim.Name).Order().ShouldBe(claims.Split(' '));
    }

    [Fact]
    [Assertion("OI-07")]
    [Rfc("RFC 6750", "3.1")]
    public async Task Without_a_token_the_answer_says_how_to_send_one_and_names_no_error()
    {
        var answer = await SendAsync("GET", null);
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer, DPoP algs=\"ES256 RS256 PS256\"");
    }

    [Fact]
    [Assertion("OI-07")]
    [Rfc("RFC 6750", "3.1")]
    public async Task A_token_without_openid_is_not_enough()
    {
        var answer = await at.Server.UserinfoAsync((await at.TokensAsync("profile email")).Text("access_token"));
        answer.Status.ShouldBe(HttpStatusCode.Forbidden);
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldContain("error=\"insufficient_scope\"");
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldContain("scope=\"openid\"");
    }

    [Fact]
    [Assertion("OI-07")]
    [Rfc("RFC 8725", "3.11")]
    public async Task What_is_no_access_token_of_ours_is_invalid_token()
    {
        var tokens = await at.TokensAsync();
        var good = tokens.Text("access_token");
        using var foreign = SigningKey.New(SignatureAlgorithm.ES256);
        string[] bad =
        [
            tokens.Text("id_token"), tokens.Text("refresh_token"), good[..^2], good + "A", good.Split('.')[0] + "." + good.Split('.')[1] + ".", "x", "",
            Jws.Sign(foreign, "at+jwt", Payload(good)), Jws.Sign(OurKey, "JWT", Payload(good)),
        ];
        foreach (var token in bad)
        {
            var answer = await at.Server.UserinfoAsync(token);
            answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
            answer.Response.Headers.WwwAuthenticate.ToString().ShouldContain("error=\"invalid_token\"");
        }
        (await at.Server.UserinfoAsync(Jws.Sign(OurKey, "at+jwt", Payload(good)))).Status.ShouldBe(HttpStatusCode.OK, "the same, signed as it should be");
    }

    [Fact]
    [Assertion("OI-07")]
    public async Task A_bound_token_is_worth_nothing_as_a_bearer_token()
    {
        var claims = System.Text.Json.Nodes.JsonNode.Parse(Payload((await at.TokensAsync()).Text("access_token")))!;
        claims["cnf"] = new System.Text.Json.Nodes.JsonObject { ["jkt"] = Secret.NewText() };
        (await at.Server.UserinfoAsync(Jws.Sign(OurKey, "at+jwt", System.Text.Encoding.UTF8.GetBytes(claims.ToJsonString())))).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    [Assertion("OI-07")]
    public async Task An_access_token_lives_for_ten_minutes_to_the_second()
    {
        var token = (await at.TokensAsync()).Text("access_token");
        var end = (await at.VerifyAsync(token, at.Server.Issuer)).ExpiresAt;
        at.Server.Time.Advance(end - at.Server.Time.Now - TimeSpan.FromMilliseconds(1));
        (await at.LivesAsync(token)).ShouldBeTrue();
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await at.LivesAsync(token)).ShouldBeFalse();
    }

    [Theory]
    [Assertion("OI-07")]
    [InlineData("Basic")]
    [InlineData("DPoP")]
    [InlineData("Bearer,")]
    public async Task Another_scheme_does_not_open_it(string scheme) =>
        (await SendAsync("GET", $"{scheme} {(await at.TokensAsync()).Text("access_token")}")).Status.ShouldBe(HttpStatusCode.Unauthorized);

    [Fact]
    [Assertion("OI-07")]
    public async Task A_token_in_query_or_body_and_two_headers_do_not_open_it()
    {
        var token = (await at.TokensAsync()).Text("access_token");
        (await at.GetAsync("/userinfo?access_token=" + token)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await at.Server.PostFormAsync("/userinfo", [new("access_token", token)])).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await at.GetAsync("/userinfo", request => request.Headers.TryAddWithoutValidation("Authorization", [$"Bearer {token}", "Bearer x"]))).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private SigningKey OurKey => at.Server.Service<KeyRing>().SigningKeyFor(SignatureAlgorithm.ES256);

    private static byte[] Payload(string jwt) => Base64UrlText.TryDecode(jwt.Split('.')[1], out var payload) ? payload : throw new FormatException("No JWT.");

    private async Task<JsonAnswer> SendAsync(string method, string? authorization)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), at.Server.Issuer + "/userinfo");
        if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return await TokenCalls.SendAsync(request);
    }
}
