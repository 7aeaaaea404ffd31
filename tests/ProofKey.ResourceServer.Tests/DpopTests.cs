using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using ProofKey.Jose;

namespace ProofKey.ResourceServer.Tests;

/// <summary>Tokens that are bound to a key, and the proofs that they need.</summary>
public sealed class DpopTests : IAsyncLifetime
{
    private readonly SigningKey _key = SigningKey.New(SignatureAlgorithm.ES256);
    private TestIssuer _issuer = null!;
    private Api _api = null!;
    private string? _bound;

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync();
        _api = await Api.StartAsync(_issuer);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _issuer.DisposeAsync();
        _key.Dispose();
    }

    [Theory]
    [Assertion("DP-08"), Rfc("RFC 9449", "7.1")]
    [InlineData("DPoP")]
    [InlineData("dpop")]
    [InlineData("DPOP")]
    public async Task A_bound_token_with_a_proof_opens_the_endpoint(string scheme)
    {
        using var answer = await SendAsync($"{scheme} {Bound()}", Prove());
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("orders of alice");
        answer.Headers.CacheControl!.Private.ShouldBeTrue();
    }

    [Theory]
    [Assertion("DP-08"), Rfc("RFC 9449", "4.3")]
    [InlineData("?page=2")]
    [InlineData("#top")]
    public async Task An_address_with_query_or_fragment_is_the_address(string addition)
    {
        using var answer = await SendAsync($"DPoP {Bound()}", Prove(change: claims => claims["htu"] = _api.Http.BaseAddress + "orders" + addition), path: "/orders?page=3");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static readonly SigningKey Stranger = SigningKey.New(SignatureAlgorithm.ES256);

    private static readonly Dictionary<string, Func<DpopTests, string?>> Spoilt = new(StringComparer.Ordinal)
    {
        ["no proof"] = _ => null,
        ["not a JWT"] = _ => "proof",
        ["two"] = test => $"{test.Prove()}, {test.Prove()}",
        ["typ"] = test => test.Prove(header => header["typ"] = "at+jwt"),
        ["alg none"] = test => test.Prove(header => header["alg"] = "none"),
        ["alg HS256"] = test => test.Prove(header => header["alg"] = "HS256"),
        ["jwk missing"] = test => test.Prove(header => header.Remove("jwk")),
        ["jwk private"] = test => test.Prove(header => header["jwk"]!["d"] = "AA"),
        ["signature"] = test => test.Prove(signer: Stranger),
        ["jti missing"] = test => test.Prove(change: claims => claims.Remove("jti")),
        ["htm missing"] = test => test.Prove(change: claims => claims.Remove("htm")),
        ["htm"] = test => test.Prove(change: claims => claims["htm"] = "POST"),
        ["htu missing"] = test => test.Prove(change: claims => claims.Remove("htu")),
        ["htu of another path"] = test => test.Prove(change: claims => claims["htu"] = test._api.Http.BaseAddress + "orders/all"),
        ["htu of another host"] = test => test.Prove(change: claims => claims["htu"] = "https://other.example/orders"),
        ["iat missing"] = test => test.Prove(change: claims => claims.Remove("iat")),
        ["iat an hour ago"] = test => test.Prove(change: claims => claims["iat"] = test._issuer.Now - 3600),
        ["iat a minute ago"] = test => test.Prove(change: claims => claims["iat"] = test._issuer.Now - 60),
        ["iat eleven seconds ahead"] = test => test.Prove(change: claims => claims["iat"] = test._issuer.Now + 11),
        ["iat in an hour"] = test => test.Prove(change: claims => claims["iat"] = test._issuer.Now + 3600),
        ["ath missing"] = test => test.Prove(change: claims => claims.Remove("ath")),
        ["ath of another token"] = test => test.Prove(change: claims => claims["ath"] = Base64UrlText.Encode(Secret.Digest("another"))),
        ["the access token"] = test => test.Bound(),
    };

    public static TheoryData<string> Spoilers => [.. Spoilt.Keys];

    [Theory]
    [Assertion("DP-02"), Rfc("RFC 9449", "4.3"), Rfc("RFC 9449", "7.1")]
    [MemberData(nameof(Spoilers))]
    public async Task What_is_no_good_proof_opens_nothing_and_the_challenge_says_so(string name)
    {
        using var answer = await SendAsync($"DPoP {Bound()}", Spoilt[name](this));
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var challenge = answer.Headers.WwwAuthenticate.ShouldHaveSingleItem();
        challenge.Scheme.ShouldBe("DPoP");
        challenge.Parameter!.ShouldContain("error=\"invalid_dpop_proof\"");
        challenge.Parameter!.ShouldEndWith("algs=\"ES256 RS256 PS256\"");
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        using var good = await SendAsync($"DPoP {Bound()}", Prove());
        good.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-02"), Rfc("RFC 9449", "4.3")]
    public async Task The_proof_of_another_key_does_not_open_it()
    {
        using var answer = await SendAsync($"DPoP {Bound()}", Dpop.Prove(Stranger, "GET", Address(), _issuer.Time.GetUtcNow(), accessToken: Bound()));
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(answer).ShouldContain("DPoP realm=\"https://api.example.com/\", error=\"invalid_token\"");
    }

    [Theory]
    [Assertion("DP-02"), Rfc("RFC 9449", "7.1")]
    [InlineData(null)]
    [InlineData("""{"x5t#S256":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}""")]
    [InlineData("""{"jkt":null}""")]
    [InlineData("""{"jkt":["0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"]}""")]
    [InlineData("\"key\"")]
    public async Task A_token_that_is_not_bound_to_a_key_is_no_DPoP_token(string? confirmation)
    {
        var token = _issuer.Token(claims =>
        {
            if (confirmation is not null) claims["cnf"] = JsonNode.Parse(confirmation);
        });
        using var answer = await SendAsync($"DPoP {token}", Dpop.Prove(_key, "GET", Address(), _issuer.Time.GetUtcNow(), accessToken: token));
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(answer).ShouldContain("error=\"invalid_token\"");
    }

    [Theory]
    [Assertion("DP-03"), Rfc("RFC 9449", "7.2")]
    [InlineData("Bearer", true)]
    [InlineData("bearer", true)]
    [InlineData("Bearer", false)]
    public async Task As_a_bearer_token_it_is_worth_nothing_with_or_without_its_proof(string scheme, bool withProof)
    {
        using var answer = await SendAsync($"{scheme} {Bound()}", withProof ? Prove() : null);
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(answer).ShouldContain("Bearer realm=\"https://api.example.com/\", error=\"invalid_token\"");
        Challenge(answer).ShouldContain("DPoP realm=\"https://api.example.com/\", algs=");
    }

    [Fact]
    [Assertion("DP-07"), Rfc("RFC 9449", "11.1")]
    public async Task Of_32_uses_of_one_proof_at_once_one_is_first()
    {
        var (token, proof) = (Bound(), Prove());
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => SendAsync($"DPoP {token}", proof)));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Where(answer => answer.StatusCode != HttpStatusCode.OK).ShouldAllBe(answer => Challenge(answer).Contains("error=\"invalid_dpop_proof\"", StringComparison.Ordinal));
        foreach (var answer in answers) answer.Dispose();
    }

    [Fact]
    [Assertion("DP-07"), Rfc("RFC 9449", "11.1")]
    public async Task A_proof_from_ahead_is_remembered_to_the_far_end_of_its_window()
    {
        var (token, proof) = (Bound(), Prove(change: claims => claims["iat"] = _issuer.Now + 10));
        using var first = await SendAsync($"DPoP {token}", proof);
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        _issuer.Time.Advance(TimeSpan.FromMilliseconds(69_999));
        using var last = await SendAsync($"DPoP {token}", proof);
        last.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(last).ShouldContain("used before");
        _issuer.Time.Advance(TimeSpan.FromMilliseconds(1));
        using var late = await SendAsync($"DPoP {token}", proof);
        Challenge(late).ShouldContain("too far from now");
    }

    [Fact]
    [Assertion("DP-10"), Rfc("RFC 9449", "7.2")]
    public async Task An_API_that_wants_bound_tokens_takes_no_others()
    {
        await using var api = await Api.StartAsync(_issuer, options => options.RequireDpop = true);
        using var without = await api.GetAsync("/orders");
        Challenge(without).ShouldBe("DPoP realm=\"https://api.example.com/\", algs=\"ES256 RS256 PS256\"");
        using var bearer = await api.GetAsync("/orders", _issuer.Token());
        bearer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(bearer).ShouldContain("DPoP realm=\"https://api.example.com/\", error=\"invalid_token\"");
        using var open = await api.GetAsync("/public", _issuer.Token());
        (await open.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("nobody");
        var token = Bound();
        using var request = Request($"DPoP {token}", Dpop.Prove(_key, "GET", new Uri(api.Http.BaseAddress!, "/orders"), _issuer.Time.GetUtcNow(), accessToken: token), "/orders");
        using var good = await api.SendAsync(request);
        good.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-02"), Rfc("RFC 9449", "4.3")]
    public async Task Behind_a_proxy_the_address_is_the_one_that_clients_use()
    {
        await using var api = await Api.StartAsync(_issuer, options => options.PublicAddress = new Uri("https://API.example.com:443/v1/"));
        var token = Bound();
        foreach (var (address, status) in ((string, HttpStatusCode)[])[("https://api.example.com/v1/orders", HttpStatusCode.OK), (api.Http.BaseAddress + "orders", HttpStatusCode.Unauthorized), ("https://api.example.com/orders", HttpStatusCode.Unauthorized)])
        {
            using var request = Request($"DPoP {token}", Dpop.Prove(_key, "GET", new Uri(address), _issuer.Time.GetUtcNow(), accessToken: token), "/orders");
            using var answer = await api.SendAsync(request);
            answer.StatusCode.ShouldBe(status, address);
        }
    }

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    [Assertion("DP-02"), Rfc("RFC 9449", "4.3")]
    public async Task Forwarded_headers_count_where_they_are_read_before_the_token(bool writtenOut, HttpStatusCode status)
    {
        await using var api = await Api.StartAsync(_issuer, pipeline: app =>
        {
            app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedProto });
            // Without this line the platform puts it before all others.
            if (writtenOut) app.UseAuthentication();
            if (writtenOut) app.UseAuthorization();
        });
        var token = Bound();
        using var request = Request($"DPoP {token}", Dpop.Prove(_key, "GET", new Uri("https://api.example.com/orders"), _issuer.Time.GetUtcNow(), accessToken: token), "/orders");
        request.Headers.Host = "api.example.com";
        request.Headers.Add("X-Forwarded-Proto", "https");

        using var answer = await api.SendAsync(request);

        answer.StatusCode.ShouldBe(status);
    }

    [Fact]
    [Assertion("DP-02")]
    public async Task A_missing_scope_is_said_in_the_same_scheme()
    {
        using var answer = await SendAsync($"DPoP {Bound()}", Prove(change: claims => claims["htu"] = _api.Http.BaseAddress + "orders/all"), path: "/orders/all");
        answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        Challenge(answer).ShouldStartWith("DPoP realm=\"https://api.example.com/\", error=\"insufficient_scope\"");
    }

    [Fact]
    [Assertion("DP-02")]
    public async Task Neither_token_nor_proof_is_logged()
    {
        var (token, proof) = (Bound(), Prove(change: claims => claims["htm"] = "POST"));
        (await SendAsync($"DPoP {token}", proof)).Dispose();
        var log = string.Join('\n', _api.Log.Lines);
        log.ShouldContain("invalid_dpop_proof");
        log.ShouldNotContain(token.Split('.')[2]);
        log.ShouldNotContain(proof.Split('.')[2]);
    }

    // One token for a test: ES256 signs the same claims differently each time, and a proof names the token by its digest.
    private string Bound() => _bound ??= _issuer.Token(claims => claims["cnf"] = new JsonObject { ["jkt"] = _key.PublicKey.Thumbprint() });

    private Uri Address(string path = "/orders") => new(_api.Http.BaseAddress!, path);

    private string Prove(Action<JsonObject>? header = null, Action<JsonObject>? change = null, SigningKey? signer = null)
    {
        var parts = Dpop.Prove(_key, "GET", Address(), _issuer.Time.GetUtcNow(), accessToken: Bound()).Split('.');
        var (forgedHeader, claims) = (Json(parts[0]), Json(parts[1]));
        header?.Invoke(forgedHeader);
        change?.Invoke(claims);
        return TestIssuer.Sign(forgedHeader.ToJsonString(), claims.ToJsonString(), data => (signer ?? _key).Sign(data));
    }

    private static JsonObject Json(string part)
    {
        Base64UrlText.TryDecode(part, out var bytes).ShouldBeTrue();
        return JsonNode.Parse(Encoding.UTF8.GetString(bytes!))!.AsObject();
    }

    private Task<HttpResponseMessage> SendAsync(string authorization, string? proof, string path = "/orders") => _api.SendAsync(Request(authorization, proof, path));

    private static HttpRequestMessage Request(string authorization, string? proof, string path)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Authorization", authorization).ShouldBeTrue();
        if (proof is not null) request.Headers.TryAddWithoutValidation("DPoP", proof).ShouldBeTrue();
        return request;
    }

    private static string Challenge(HttpResponseMessage answer) => string.Join(", ", answer.Headers.GetValues("WWW-Authenticate"));
}
