using System.Net;
using System.Text.Json.Nodes;
using ProofKey.Jose;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Proofs at the token endpoint: what binds a token, and what is no proof.</summary>
public sealed class DpopTokenTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Theory]
    [Assertion("DP-04")]
    [Rfc("RFC 9449", "5")]
    [Rfc("RFC 9449", "6.1")]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task Whoever_sends_a_proof_gets_tokens_bound_to_its_key(string algorithm)
    {
        SignatureAlgorithm.TryParse(algorithm, out var known).ShouldBeTrue();
        using var key = new ClientKey(at.Server, known);
        var tokens = await key.PostAsync("/token", (await at.CodeAsync()).Exchange());
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        tokens.Text("token_type").ShouldBe("DPoP");
        ThumbprintIn(await at.VerifyAsync(tokens.Text("access_token"), at.Server.Issuer)).ShouldBe(key.Thumbprint);
        tokens.Text("id_token").ShouldNotBeNullOrEmpty();
    }

    [Fact]
    [Assertion("DP-04")]
    public async Task Whoever_sends_none_gets_bearer_tokens_as_before()
    {
        var tokens = await at.TokensAsync();
        tokens.Text("token_type").ShouldBe("Bearer");
        (await at.VerifyAsync(tokens.Text("access_token"), at.Server.Issuer)).Claims.TryGetProperty("cnf", out _).ShouldBeFalse();
        tokens.Response.Headers.Contains("DPoP-Nonce").ShouldBeFalse();
    }

    // Each spoils one thing of a proof that is good otherwise, its nonce too.
    public static TheoryData<string> Spoilers => [.. Spoilt.Keys];

    private static readonly Dictionary<string, Func<ClientKey, RunningServer, string>> Spoilt = new(StringComparer.Ordinal)
    {
        ["not a JWT"] = (_, _) => "proof",
        ["empty"] = (_, _) => "",
        ["two in one header"] = (key, _) => $"{key.Prove("POST", "/token")}, {key.Prove("POST", "/token")}",
        ["unsigned"] = (key, _) => string.Join('.', key.Prove("POST", "/token").Split('.')[..2]) + ".",
        ["typ missing"] = (key, _) => key.Forge("POST", "/token", header => header.Remove("typ")),
        ["typ JWT"] = (key, _) => key.Forge("POST", "/token", header => header["typ"] = "JWT"),
        ["typ at+jwt"] = (key, _) => key.Forge("POST", "/token", header => header["typ"] = "at+jwt"),
        ["alg missing"] = (key, _) => key.Forge("POST", "/token", header => header.Remove("alg")),
        ["alg none"] = (key, _) => key.Forge("POST", "/token", header => header["alg"] = "none"),
        ["alg HS256"] = (key, _) => key.Forge("POST", "/token", header => header["alg"] = "HS256"),
        ["alg RS256 with an EC key"] = (key, _) => key.Forge("POST", "/token", header => header["alg"] = "RS256"),
        ["jwk missing"] = (key, _) => key.Forge("POST", "/token", header => header.Remove("jwk")),
        ["jwk a text"] = (key, _) => key.Forge("POST", "/token", header => header["jwk"] = "key"),
        ["jwk with its private half"] = (key, _) => key.Forge("POST", "/token", header => header["jwk"]!["d"] = Secret.NewText()),
        ["jwk symmetric"] = (key, _) => key.Forge("POST", "/token", header => header["jwk"] = new JsonObject { ["kty"] = "oct", ["k"] = Secret.NewText() }),
        ["jwk beside the curve"] = (key, _) => key.Forge("POST", "/token", header => header["jwk"]!["x"] = Secret.NewText()),
        ["crit"] = (key, _) => key.Forge("POST", "/token", header => header["crit"] = new JsonArray("exp")),
        ["signature of another key"] = (key, _) => key.Forge("POST", "/token", signer: Stranger),
        ["jti missing"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims.Remove("jti")),
        ["jti empty"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["jti"] = ""),
        ["jti a number"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["jti"] = 1),
        ["jti long"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["jti"] = new string('j', 257)),
        ["htm missing"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims.Remove("htm")),
        ["htm GET"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["htm"] = "GET"),
        ["htm post"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["htm"] = "post"),
        ["htu missing"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims.Remove("htu")),
        ["htu of another endpoint"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["htu"] = server.Issuer + "/userinfo"),
        ["htu of another host"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["htu"] = "https://evil.example/token"),
        ["htu with another port"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["htu"] = "http://127.0.0.1:1/token"),
        ["htu with https"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["htu"] = server.Issuer.Replace("http:", "https:", StringComparison.Ordinal) + "/token"),
        ["htu with a slash more"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["htu"] = server.Issuer + "/token/"),
        ["htu relative"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["htu"] = "/token"),
        ["iat missing"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims.Remove("iat")),
        ["iat a text"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["iat"] = "now"),
        ["iat an hour ago"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["iat"] = server.Time.Now.AddHours(-1).ToUnixTimeSeconds()),
        ["iat in an hour"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["iat"] = server.Time.Now.AddHours(1).ToUnixTimeSeconds()),
        ["iat 1e308"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["iat"] = 1e308),
        ["ended an hour ago"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["exp"] = server.Time.Now.AddHours(-1).ToUnixTimeSeconds()),
        ["good in an hour"] = (key, server) => key.Forge("POST", "/token", claims: claims => claims["nbf"] = server.Time.Now.AddHours(1).ToUnixTimeSeconds()),
        ["huge"] = (key, _) => key.Forge("POST", "/token", claims: claims => claims["x"] = new string('x', DpopProof.MaxLength)),
    };

    private static readonly SigningKey Stranger = SigningKey.New(SignatureAlgorithm.ES256);

    [Theory]
    [Assertion("DP-01")]
    [Rfc("RFC 9449", "4.2")]
    [Rfc("RFC 9449", "4.3")]
    [Rfc("RFC 9110", "9.1")]
    [MemberData(nameof(Spoilers))]
    public async Task What_is_no_good_proof_is_refused_and_costs_the_client_nothing(string name)
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var code = await at.CodeAsync();
        var refused = await at.PostAsync(code.Exchange(), ClientKey.With(Spoilt[name](key, at.Server)));
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_dpop_proof"));
        refused.Text("error_description").ShouldNotBeNullOrWhiteSpace();
        (await key.PostAsync("/token", code.Exchange())).Status.ShouldBe(HttpStatusCode.OK, "the code is still good");
    }

    [Fact]
    [Assertion("DP-01")]
    [Rfc("RFC 9449", "4.3")]
    public async Task Two_proofs_in_two_headers_are_none()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var body = Parameters.Of((await at.CodeAsync()).Exchange()).ToQuery();
        var (status, text) = await at.Server.SendRawFormAsync(
            "/token", "POST", body, "Content-Type: application/x-www-form-urlencoded", $"Content-Length: {body.Length}", $"DPoP: {key.Prove("POST", "/token")}", $"DPoP: {key.Prove("POST", "/token")}");
        status.ShouldBe(400);
        text.ShouldContain("invalid_dpop_proof");
    }

    [Theory]
    [Assertion("DP-08")]
    [Rfc("RFC 9449", "4.3")]
    [InlineData("?a=b")]
    [InlineData("#fragment")]
    [InlineData("?a=b#fragment")]
    public async Task An_address_with_query_or_fragment_is_the_address(string addition)
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var proof = key.Forge("POST", "/token", claims: claims => claims["htu"] = claims["htu"]!.GetValue<string>() + addition);
        (await at.PostAsync((await at.CodeAsync()).Exchange(), ClientKey.With(proof))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-08")]
    public async Task Scheme_and_type_in_other_letters_and_claims_that_nobody_knows_are_tolerated()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var proof = key.Forge("POST", "/token", header => header["typ"] = "application/DPoP+JWT", claims =>
        {
            claims["htu"] = claims["htu"]!.GetValue<string>().Replace("http:", "HTTP:", StringComparison.Ordinal);
            claims["x"] = new JsonObject { ["y"] = 1 };
            claims["exp"] = at.Server.Time.Now.AddMinutes(1).ToUnixTimeSeconds();
            claims["nbf"] = at.Server.Time.Now.ToUnixTimeSeconds();
        });
        (await at.PostAsync((await at.CodeAsync()).Exchange(), ClientKey.With(proof))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-01")]
    public async Task The_address_is_the_issuers_whatever_the_request_says_of_itself()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var code = await at.CodeAsync();
        var proof = key.Forge("POST", "/token", claims: claims => claims["htu"] = "https://evil.example/token");
        foreach (var (name, value) in ((string, string)[])[("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example;proto=https"), ("Host", "evil.example")])
            (await at.PostAsync(code.Exchange(), request =>
            {
                ClientKey.With(proof)(request);
                if (name == "Host") request.Headers.Host = value;
                else request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
            })).Error.ShouldBe("invalid_dpop_proof");
    }

    [Fact]
    [Assertion("DP-07")]
    [Rfc("RFC 9449", "11.1")]
    public async Task A_proof_is_good_once_and_no_code_is_lost_by_its_second_use()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var (first, second) = (await at.CodeAsync(), await at.CodeAsync());
        var proof = key.Prove("POST", "/token");
        var tokens = await at.PostAsync(first.Exchange(), ClientKey.With(proof));
        tokens.Status.ShouldBe(HttpStatusCode.OK);
        (await at.PostAsync(second.Exchange(), ClientKey.With(proof))).Error.ShouldBe("invalid_dpop_proof");
        (await at.PostAsync(first.Exchange(), ClientKey.With(proof))).Error.ShouldBe("invalid_dpop_proof", "the whole request once more, as a proxy may send it");
        (await key.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK, "the repetition is no alarm");
        (await key.PostAsync("/token", second.Exchange())).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-07")]
    public async Task The_same_id_in_a_newer_proof_is_a_second_use_and_a_failed_try_is_none()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var (first, second) = (await at.CodeAsync(), await at.CodeAsync());
        (await at.PostAsync(first.Exchange(("code_verifier", CodeVerifier.New().Reveal())), ClientKey.With(key.Forge("POST", "/token", claims: claims => claims["jti"] = "one")))).Error.ShouldBe("invalid_grant");
        (await at.PostAsync(first.Exchange(), ClientKey.With(key.Forge("POST", "/token", claims: claims => claims["jti"] = "one")))).Status.ShouldBe(HttpStatusCode.OK);
        at.Server.Time.Advance(TimeSpan.FromSeconds(5));
        (await at.PostAsync(second.Exchange(), ClientKey.With(key.Forge("POST", "/token", claims: claims => claims["jti"] = "one")))).Error.ShouldBe("invalid_dpop_proof");
    }

    [Fact]
    [Assertion("DP-07")]
    public async Task Of_32_uses_of_one_proof_at_once_one_is_first()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var refreshToken = (await key.PostAsync("/token", (await at.CodeAsync(scope: "openid offline_access")).Exchange())).Text("refresh_token");
        var proof = key.Prove("POST", "/token");
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => at.PostAsync(ClientKey.Refresh(at.Client.Id, refreshToken), ClientKey.With(proof))));
        answers.Count(answer => answer.Status == HttpStatusCode.OK).ShouldBe(1);
        answers.Where(answer => answer.Status != HttpStatusCode.OK).ShouldAllBe(answer => answer.Error == "invalid_dpop_proof");
    }

    [Fact]
    [Assertion("DP-10")]
    [Rfc("RFC 9449", "5.2")]
    public async Task A_client_that_must_be_bound_never_gets_a_bearer_token()
    {
        var client = await at.AddClientAsync(registration => registration with { RequiresDpop = true });
        using var key = new ClientKey(at.Server);
        var code = await at.CodeAsync(client, "openid offline_access");
        var refused = await at.RedeemAsync(code);
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_dpop_proof"));
        var tokens = await key.PostAsync("/token", code.Exchange());
        tokens.Text("token_type").ShouldBe("DPoP");
        (await at.Server.RefreshAsync(client, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_dpop_proof");
        (await key.PostAsync("/token", ClientKey.Refresh(client.Id, tokens.Text("refresh_token")))).Text("token_type").ShouldBe("DPoP");
    }

    [Fact]
    [Assertion("DP-09")]
    [Rfc("RFC 9449", "10")]
    public async Task A_code_asked_for_with_a_key_is_redeemed_by_that_key_alone()
    {
        using var key = new ClientKey(at.Server);
        using var other = new ClientKey(at.Server);
        var request = new AuthorizeUrl(at.Server, at.Client).Set("dpop_jkt", key.Thumbprint);
        var code = new IssuedCode(at.Client, request, (await at.Person.AuthorizeAsync(request))["code"]);

        (await other.PostAsync("/token", code.Exchange())).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code)).Error.ShouldBe("invalid_dpop_proof");
        var tokens = await key.PostAsync("/token", code.Exchange());
        ThumbprintIn(await at.VerifyAsync(tokens.Text("access_token"), at.Server.Issuer)).ShouldBe(key.Thumbprint, "nothing was lost by the wrong tries");
        (await other.PostAsync("/token", code.Exchange())).Error.ShouldBe("invalid_grant");
        (await key.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK, "who has not the key sets off no alarm");
    }

    [Theory]
    [Assertion("DP-09")]
    [Rfc("RFC 9449", "10")]
    [InlineData("x")]
    [InlineData("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4IA")]
    [InlineData("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J")]
    [InlineData("0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I")]
    public async Task What_is_no_thumbprint_is_refused_at_the_authorization_endpoint(string thumbprint)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("dpop_jkt", thumbprint);
        (await at.Person.GetAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, at.Server.Issuer);
    }

    internal static string? ThumbprintIn(Jwt token) => token.Claims.GetProperty("cnf").GetProperty("jkt").GetString();
}
