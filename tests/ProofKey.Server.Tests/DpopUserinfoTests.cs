using System.Net;
using System.Text.Json.Nodes;
using ProofKey.Jose;
using ProofKey.Server.Keys;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Userinfo with a bound token: by proof of its key, and in no other way.</summary>
public sealed class DpopUserinfoTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Theory]
    [Assertion("DP-08")]
    [Rfc("RFC 9449", "7.1")]
    [InlineData("DPoP")]
    [InlineData("dpop")]
    [InlineData("DPOP")]
    public async Task A_bound_token_with_a_proof_opens_it(string scheme)
    {
        using var key = new ClientKey(at.Server);
        var answer = await key.UserinfoAsync(await BoundAsync(key), scheme);
        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Text("name").ShouldBe(RunningServer.UserName);
    }

    [Theory]
    [Assertion("DP-03")]
    [Rfc("RFC 9449", "7.2")]
    [InlineData("Bearer", true)]
    [InlineData("Bearer", false)]
    [InlineData("bearer", true)]
    public async Task As_a_bearer_token_it_is_worth_nothing_with_or_without_a_proof(string scheme, bool withProof)
    {
        using var key = new ClientKey(at.Server);
        var token = await BoundAsync(key);
        var answer = await key.UserinfoOnceAsync($"{scheme} {token}", withProof ? [key.Prove("GET", "/userinfo", token)] : []);
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldContain("error=\"invalid_token\"");
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldContain("DPoP algs=\"ES256 RS256 PS256\"");
    }

    [Fact]
    [Assertion("DP-02")]
    [Rfc("RFC 9449", "7.1")]
    public async Task A_token_that_is_bound_to_nothing_is_no_DPoP_token()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var token = (await at.TokensAsync()).Text("access_token");
        var answer = await key.UserinfoAsync(token);
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldStartWith("DPoP error=\"invalid_token\"");
    }

    private static readonly Dictionary<string, Func<ClientKey, string, string[]>> Spoilt = new(StringComparer.Ordinal)
    {
        ["no proof"] = (_, _) => [],
        ["not a JWT"] = (_, _) => ["x.y.z"],
        ["ath missing"] = (key, _) => [key.Prove("GET", "/userinfo")],
        ["ath of another token"] = (key, _) => [key.Prove("GET", "/userinfo", "another")],
        ["ath with padding"] = (key, token) => [key.Forge("GET", "/userinfo", claims: claims => claims["ath"] = claims["ath"]!.GetValue<string>() + "=", accessToken: token)],
        ["typ"] = (key, token) => [key.Forge("GET", "/userinfo", header => header["typ"] = "at+jwt", accessToken: token)],
        ["alg none"] = (key, token) => [key.Forge("GET", "/userinfo", header => header["alg"] = "none", accessToken: token)],
        ["alg HS256"] = (key, token) => [key.Forge("GET", "/userinfo", header => header["alg"] = "HS256", accessToken: token)],
        ["jwk missing"] = (key, token) => [key.Forge("GET", "/userinfo", header => header.Remove("jwk"), accessToken: token)],
        ["jwk private"] = (key, token) => [key.Forge("GET", "/userinfo", header => header["jwk"]!["d"] = "AA", accessToken: token)],
        ["jti missing"] = (key, token) => [key.Forge("GET", "/userinfo", claims: claims => claims.Remove("jti"), accessToken: token)],
        ["htm"] = (key, token) => [key.Prove("POST", "/userinfo", token)],
        ["htu"] = (key, token) => [key.Prove("GET", "/token", token)],
        ["iat missing"] = (key, token) => [key.Forge("GET", "/userinfo", claims: claims => claims.Remove("iat"), accessToken: token)],
        ["iat an hour ago"] = (key, token) => [key.Forge("GET", "/userinfo", claims: claims => claims["iat"] = claims["iat"]!.GetValue<long>() - 3600, accessToken: token)],
        ["iat in an hour"] = (key, token) => [key.Forge("GET", "/userinfo", claims: claims => claims["iat"] = claims["iat"]!.GetValue<long>() + 3600, accessToken: token)],
        ["the access token as proof"] = (_, token) => [token],
    };

    public static TheoryData<string> Spoilers => [.. Spoilt.Keys];

    [Theory]
    [Assertion("DP-02")]
    [Rfc("RFC 9449", "4.3")]
    [Rfc("RFC 9449", "7.1")]
    [MemberData(nameof(Spoilers))]
    public async Task What_is_no_good_proof_opens_nothing_and_the_challenge_says_why(string name)
    {
        using var key = new ClientKey(at.Server);
        var token = await BoundAsync(key);
        var answer = await key.UserinfoOnceAsync($"DPoP {token}", Spoilt[name](key, token));
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        var challenge = answer.Response.Headers.WwwAuthenticate.ToString();
        challenge.ShouldStartWith("DPoP error=\"invalid_dpop_proof\"");
        challenge.ShouldEndWith("algs=\"ES256 RS256 PS256\"");
        (await key.UserinfoAsync(token)).Status.ShouldBe(HttpStatusCode.OK, "a good proof still does");
    }

    [Fact]
    [Assertion("DP-02")]
    [Rfc("RFC 9449", "4.3")]
    public async Task The_proof_of_another_key_does_not_open_it()
    {
        using var key = new ClientKey(at.Server);
        using var thief = new ClientKey(at.Server);
        var token = await BoundAsync(key);
        thief.Nonce = key.Nonce;
        var answer = await thief.UserinfoAsync(token);
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldStartWith("DPoP error=\"invalid_token\"");
    }

    [Fact]
    [Assertion("DP-07")]
    [Rfc("RFC 9449", "11.1")]
    public async Task A_proof_opens_it_once()
    {
        using var key = new ClientKey(at.Server);
        var token = await BoundAsync(key);
        var proof = key.Prove("GET", "/userinfo", token);
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => key.UserinfoOnceAsync($"DPoP {token}", proof)));
        answers.Count(answer => answer.Status == HttpStatusCode.OK).ShouldBe(1);
        answers.Where(answer => answer.Status != HttpStatusCode.OK).ShouldAllBe(answer => answer.Response.Headers.WwwAuthenticate.ToString().StartsWith("DPoP error=\"invalid_dpop_proof\"", StringComparison.Ordinal));
    }

    [Theory]
    [Assertion("DP-03")]
    [InlineData("""{"x5t#S256":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}""")]
    [InlineData("""{"jkt":1}""")]
    [InlineData("""{}""")]
    [InlineData("\"key\"")]
    [InlineData("null")]
    public async Task A_token_bound_in_a_way_that_cannot_be_proved_opens_nothing(string confirmation)
    {
        using var key = new ClientKey(at.Server);
        Base64UrlText.TryDecode((await BoundAsync(key)).Split('.')[1], out var payload).ShouldBeTrue();
        var claims = JsonNode.Parse(payload)!.AsObject();
        claims["cnf"] = JsonNode.Parse(confirmation);
        var token = Jws.Sign(at.Server.Service<KeyRing>().SigningKeyFor(SignatureAlgorithm.ES256), "at+jwt", System.Text.Encoding.UTF8.GetBytes(claims.ToJsonString()));
        (await key.UserinfoAsync(token)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await at.Server.UserinfoAsync(token)).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    [Assertion("DP-03")]
    public async Task A_revoked_grant_is_dead_for_its_key_too()
    {
        using var key = new ClientKey(at.Server);
        var token = await BoundAsync(key);
        (await at.Server.RevokeAsync(at.Client, token)).Status.ShouldBe(HttpStatusCode.OK);
        (await key.UserinfoAsync(token)).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private async Task<string> BoundAsync(ClientKey key) => (await key.PostAsync("/token", (await at.CodeAsync()).Exchange())).Text("access_token");
}
