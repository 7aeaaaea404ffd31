using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Json.Nodes;

namespace ProofKey.ResourceServer.Tests;

/// <summary>How a request presents its token, and what it is told (RFC 6750).</summary>
public sealed class RequestTests : IAsyncLifetime
{
    private TestIssuer _issuer = null!;
    private Api _api = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync();
        _api = await Api.StartAsync(_issuer);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Fact]
    [Assertion("RS-01"), Rfc("RFC 6750", "3.1")]
    public async Task Without_credentials_the_challenge_has_no_error_and_nobody_is_asked_for_keys()
    {
        using var answer = await _api.GetAsync("/orders");

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(answer).ShouldBe("""Bearer realm="https://api.example.com/", DPoP realm="https://api.example.com/", algs="ES256 RS256 PS256" """.TrimEnd());
        (await BodyOf(answer)).ShouldBeEmpty();
        _issuer.Requests.ShouldBe(0);
    }

    [Theory]
    [InlineData("Basic YWxpY2U6c2VjcmV0")]
    [InlineData("DPoP")]
    [InlineData("DPoPabc")]
    [InlineData("Bearer")]
    [InlineData("Bearerabc")]
    [Assertion("RS-01")]
    public async Task Another_scheme_or_no_token_counts_as_no_credentials(string authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/orders");
        request.Headers.TryAddWithoutValidation("Authorization", authorization).ShouldBeTrue();
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(answer).ShouldNotContain("error");
    }

    [Fact]
    public async Task A_good_token_opens_the_endpoint()
    {
        using var answer = await _api.GetAsync("/orders", _issuer.Token());

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await BodyOf(answer)).ShouldBe("orders of alice");
    }

    [Fact]
    [Assertion("RS-03"), Rfc("RFC 6750", "3.1")]
    public async Task A_missing_scope_is_403_and_the_challenge_names_it()
    {
        using var answer = await _api.GetAsync("/orders/all", _issuer.Token());

        answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        Challenge(answer).ShouldContain("error=\"insufficient_scope\"");
        Challenge(answer).ShouldContain("scope=\"orders.read orders.write\"");
    }

    [Theory]
    [InlineData("/orders/all", "orders.write openid orders.read", HttpStatusCode.OK)]
    [InlineData("/orders/all", "orders.write", HttpStatusCode.Forbidden)]
    [InlineData("/orders", "orders.readonly", HttpStatusCode.Forbidden)]
    [InlineData("/orders", "Orders.Read", HttpStatusCode.Forbidden)]
    [InlineData("/orders", null, HttpStatusCode.Forbidden)]
    [InlineData("/orders/attribute", "orders.write", HttpStatusCode.OK)]
    [InlineData("/orders/attribute", "orders.read", HttpStatusCode.Forbidden)]
    [Assertion("RS-03")]
    public async Task Every_scope_value_is_needed_and_compared_as_a_whole(string path, string? scope, HttpStatusCode expected)
    {
        using var answer = await _api.GetAsync(path, _issuer.Token(claims => Set(claims, "scope", scope)));

        answer.StatusCode.ShouldBe(expected);
    }

    [Fact]
    [Rfc("RFC 8693", "4.2")]
    public async Task A_scope_written_as_an_array_is_understood()
    {
        using var answer = await _api.GetAsync("/orders/all", _issuer.Token(claims => claims["scope"] = new JsonArray("orders.read", "orders.write")));

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public void A_scope_claim_that_no_access_token_brought_counts_for_nothing()
    {
        var scope = new Claim("scope", "orders.read");
        var required = Scope.Parse("orders.read");

        ScopeRequirement.IsMet(required, new ClaimsPrincipal(new ClaimsIdentity([scope], "Cookies"))).ShouldBeFalse();
        ScopeRequirement.IsMet(required, new ClaimsPrincipal(new ClaimsIdentity([scope], ResourceServerOptions.SchemeName))).ShouldBeTrue();
    }

    [Fact]
    [Rfc("RFC 9068", "2.2.3.1")]
    public async Task A_refusal_by_another_policy_does_not_speak_of_scopes()
    {
        using var refused = await _api.GetAsync("/admin", _issuer.Token());
        using var accepted = await _api.GetAsync("/admin", _issuer.Token(claims => claims["roles"] = new JsonArray("admin")));

        refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        refused.Headers.WwwAuthenticate.ShouldBeEmpty();
        accepted.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("RS-03"), Rfc("RFC 6750", "2")]
    public async Task A_second_Authorization_header_is_an_invalid_request()
    {
        var header = $"Authorization: Bearer {_issuer.Token()}";
        var (status, head) = await RawRequest.SendAsync(_api, "/orders", header, header);

        status.ShouldBe(400);
        head.ShouldContain("error=\"invalid_request\"");
    }

    [Fact]
    [Assertion("RS-03"), Rfc("RFC 6750", "2")]
    public async Task A_token_in_header_and_query_is_an_invalid_request()
    {
        using var request = Request(HttpMethod.Get, $"/orders?access_token={_issuer.Token()}");
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        Challenge(answer).ShouldContain("error=\"invalid_request\"");
    }

    [Fact]
    [Assertion("RS-03"), Rfc("RFC 6750", "2")]
    public async Task A_token_in_header_and_body_is_an_invalid_request()
    {
        using var request = Request(HttpMethod.Post, "/form");
        request.Content = Form(("note", "hello"), ("access_token", _issuer.Token()));
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        Challenge(answer).ShouldContain("error=\"invalid_request\"");
    }

    [Theory]
    [InlineData("/form", "hello")]
    [InlineData("/raw", "note=hello")]
    public async Task A_form_is_still_there_for_the_endpoint(string path, string expected)
    {
        using var request = Request(HttpMethod.Post, path);
        request.Content = Form(("note", "hello"));
        using var answer = await _api.SendAsync(request);

        (await BodyOf(answer)).ShouldBe(expected);
    }

    [Fact]
    public async Task A_form_that_cannot_be_read_is_an_invalid_request()
    {
        using var request = Request(HttpMethod.Post, "/form");
        request.Content = Form([.. Enumerable.Range(0, 1025).Select(number => ($"field-{number}", "x"))]);
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        Challenge(answer).ShouldContain("error=\"invalid_request\"");
    }

    [Fact]
    [Assertion("RS-04"), Rfc("RFC 9700", "4.3.2")]
    public async Task A_token_in_the_query_alone_is_ignored()
    {
        using var answer = await _api.GetAsync($"/orders?access_token={_issuer.Token()}");

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(answer).ShouldNotContain("error");
    }

    [Fact]
    [Assertion("RS-04")]
    public async Task A_token_in_the_body_alone_is_ignored()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/form") { Content = Form(("access_token", _issuer.Token())) };
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("bearer")]
    [InlineData("BEARER")]
    [InlineData("bEaReR")]
    [Assertion("RS-05"), Rfc("RFC 9110", "11.1")]
    public async Task The_scheme_is_case_insensitive(string scheme)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/orders");
        request.Headers.Authorization = new AuthenticationHeaderValue(scheme, _issuer.Token());
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("jkt")]
    [InlineData("x5t#S256")]
    [Assertion("DP-03"), Rfc("RFC 9449", "7.2")]
    [Rfc("RFC 8705", "3")]
    public async Task A_token_bound_to_a_key_is_no_bearer_token(string confirmation)
    {
        var token = _issuer.Token(claims => claims["cnf"] = new JsonObject { [confirmation] = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" });
        using var alone = await _api.GetAsync("/orders", token);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/orders");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("DPoP", "proof");
        using var withProof = await _api.SendAsync(request);

        alone.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Challenge(alone).ShouldContain("Bearer realm=\"https://api.example.com/\", error=\"invalid_token\"");
        Challenge(alone).ShouldContain("DPoP realm=\"https://api.example.com/\", algs=\"ES256 RS256 PS256\"");
        withProof.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("/orders", null, HttpStatusCode.Unauthorized)]
    [InlineData("/orders", "not a token", HttpStatusCode.Unauthorized)]
    [InlineData("/orders/all", "", HttpStatusCode.Forbidden)]
    [Assertion("RS-18")]
    public async Task Scripts_of_an_allowed_origin_can_read_why(string path, string? token, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {(token.Length > 0 ? token : _issuer.Token())}");
        request.Headers.Add("Origin", "https://app.example.com");
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(expected);
        answer.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe(["https://app.example.com"]);
        answer.Headers.GetValues("Access-Control-Expose-Headers").ShouldBe(["WWW-Authenticate"]);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Fact]
    [Assertion("RS-18")]
    public async Task A_preflight_needs_no_token()
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, "/orders");
        request.Headers.Add("Origin", "https://app.example.com");
        request.Headers.Add("Access-Control-Request-Method", "GET");
        request.Headers.Add("Access-Control-Request-Headers", "authorization");
        using var answer = await _api.SendAsync(request);

        answer.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        answer.Headers.GetValues("Access-Control-Allow-Headers").ShouldBe(["authorization"]);
    }

    [Fact]
    [Assertion("RS-18")]
    public async Task A_protected_answer_stays_out_of_shared_caches_unless_the_endpoint_decides_otherwise()
    {
        using var silent = await _api.GetAsync("/orders", _issuer.Token());
        using var decided = await _api.GetAsync("/cached", _issuer.Token());
        using var open = await _api.GetAsync("/public");

        silent.Headers.CacheControl!.Private.ShouldBeTrue();
        decided.Headers.CacheControl!.Public.ShouldBeTrue();
        open.Headers.CacheControl.ShouldBeNull();
    }

    [Fact]
    public async Task An_open_endpoint_answers_whatever_the_token_is()
    {
        using var nobody = await _api.GetAsync("/public", "garbage");
        using var alice = await _api.GetAsync("/public", _issuer.Token());

        (await BodyOf(nobody)).ShouldBe("nobody");
        (await BodyOf(alice)).ShouldBe("alice");
    }

    [Fact]
    public async Task Claims_keep_their_names()
    {
        using var answer = await _api.GetAsync("/claims", _issuer.Token(claims =>
        {
            claims["email_verified"] = true;
            claims["groups"] = new JsonArray("staff", "night");
            claims["address"] = new JsonObject { ["city"] = "Bern" };
            claims["nothing"] = null;
        }));

        var lines = (await BodyOf(answer)).Split('\n');
        lines.ShouldBe(
        [
            $"iss={_issuer.Issuer}", "sub=alice", $"aud={TestIssuer.Audience}", "client_id=notes", $"iat={_issuer.Now}", $"exp={_issuer.Now + 600}",
            "jti=token-1", "scope=openid orders.read", "email_verified=true", "groups=staff", "groups=night", """address={"city":"Bern"}""",
        ]);
    }

    [Fact]
    public async Task Each_refusal_is_one_event_with_a_code_and_never_holds_the_token()
    {
        var expired = _issuer.Token(claims => claims["exp"] = _issuer.Now - 600);
        var good = _issuer.Token();
        using var first = await _api.GetAsync("/orders", expired);
        (await _api.Log.NextAsync("Access token rejected")).ShouldStartWith("Access token rejected (expired)");
        using var second = await _api.GetAsync("/orders/all", good);
        (await _api.Log.NextAsync("Access token rejected")).ShouldBe("Access token rejected (insufficient_scope): orders.read orders.write is required.");
        using var third = await _api.GetAsync("/orders");
        (await _api.Log.NextAsync("Request rejected")).ShouldStartWith("Request rejected (no_credentials)");

        foreach (var part in new[] { expired, good }.SelectMany(token => token.Split('.')[1..]))
            _api.Log.Lines.ShouldNotContain(line => line.Contains(part, StringComparison.Ordinal));
        _api.Log.Lines.Count(line => line.StartsWith("Access token rejected", StringComparison.Ordinal)).ShouldBe(2);
    }

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _issuer.Token());
        return request;
    }

    private static void Set(JsonObject claims, string name, string? value)
    {
        if (value is null) claims.Remove(name);
        else claims[name] = value;
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private static string Challenge(HttpResponseMessage answer) => string.Join(", ", answer.Headers.GetValues("WWW-Authenticate"));

    private static Task<string> BodyOf(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
}
