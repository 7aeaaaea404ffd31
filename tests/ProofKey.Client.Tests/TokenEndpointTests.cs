using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

public sealed class TokenEndpointTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 6749", "4.1.3")]
    [Rfc("RFC 7636", "4.5")]
    public async Task The_request_is_exactly_this()
    {
        await using var server = await ScriptedServer.StartAsync();
        await SignInAsync(server);

        var request = server.TokenRequests.Single();

        request.Keys.Order().ShouldBe(["client_id", "code", "code_verifier", "grant_type", "redirect_uri"]);
        request["grant_type"].ShouldBe("authorization_code");
        request["redirect_uri"].ShouldBe(server.AuthorizeRequests.Single()["redirect_uri"]);
    }

    [Theory]
    [InlineData("token_type", "", "malformed_token_answer")]
    [InlineData("token_type", "\"mac\"", "token_type")]
    [InlineData("token_type", "\"DPoP\"", "token_type")]
    [InlineData("token_type", "7", "malformed_token_answer")]
    [InlineData("access_token", "", "malformed_token_answer")]
    [InlineData("access_token", "null", "malformed_token_answer")]
    [InlineData("access_token", "{}", "malformed_token_answer")]
    [InlineData("access_token", "\"a\\r\\nX-Evil: 1\"", "malformed_token")]
    [InlineData("refresh_token", "\"\\u0000\"", "malformed_token")]
    [InlineData("expires_in", "0", "expires_in")]
    [InlineData("expires_in", "-1", "expires_in")]
    [InlineData("expires_in", "1.5", "expires_in")]
    [InlineData("expires_in", "1e308", "expires_in")]
    [InlineData("expires_in", "\"soon\"", "expires_in")]
    [InlineData("expires_in", "\" 600\"", "expires_in")]
    [InlineData("expires_in", "true", "expires_in")]
    [InlineData("scope", "\"\"", "malformed_scope")]
    [InlineData("scope", "\" \"", "malformed_scope")]
    [InlineData("scope", "\"openid \\\"\"", "malformed_scope")]
    [InlineData("scope", "[\"openid\"]", "malformed_token_answer")]
    [InlineData("id_token", "", "id_token_missing")]
    [InlineData("id_token", "null", "id_token_missing")]
    [Assertion("CL-16")]
    [Rfc("RFC 6749", "5.1")]
    [Rfc("RFC 6749", "7.1"), Rfc("RFC 6750", "2.1")]
    public async Task An_answer_against_the_protocol_is_refused(string member, string json, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilTokens = tokens => Set(tokens, member, json);

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe(code);
    }

    [Theory]
    [InlineData("token_type", "\"bearer\"")]
    [InlineData("token_type", "\"BEARER\"")]
    [InlineData("scope", "\"openid\"")]
    [InlineData("scope", "")]
    [InlineData("scope", "null")]
    [InlineData("expires_in", "\"600\"")]
    [InlineData("expires_in", "")]
    [InlineData("expires_in", "null")]
    [InlineData("expires_in", "9223372036854775807")]
    [InlineData("refresh_token", "null")]
    [InlineData("unknown", "{\"a\":[1,2,3]}")]
    [Assertion("CL-16")]
    [Rfc("RFC 6749", "5.1")]
    public async Task An_answer_that_is_unusual_but_clear_is_taken(string member, string json)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilTokens = tokens => Set(tokens, member, json);

        var session = (await SignInAsync(server)).ShouldBeOfType<SignInResult.SignedIn>().Session;

        session.ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());
        session.Scope.ToString().ShouldBe(json == "\"openid\"" ? "openid" : "openid profile");
    }

    [Theory]
    [InlineData("openid profile admin")]
    [InlineData("profile https://graph.example.com/.default")]
    [Assertion("CL-16")]
    [Rfc("RFC 6749", "3.3")]
    public async Task Another_scope_than_was_asked_for_is_recorded_and_told(string granted)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilTokens = tokens => tokens["scope"] = granted;
        var events = new List<ClientEvent>();

        var session = (await SignInAsync(server, onEvent: events.Add)).ShouldBeOfType<SignInResult.SignedIn>().Session;

        session.Scope.ToString().ShouldBe(granted);
        events.ShouldContain(new ClientEvent.OtherScopeGranted("openid profile", granted));
    }

    [Theory]
    [InlineData("{\"access_token\":\"\\ud800\",\"token_type\":\"Bearer\"}")]
    [InlineData("{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"\\udc00\":1}")]
    [InlineData("{\"access_token\":\"a\",\"token_type\":\"\u00ff\"}")]
    [Assertion("CL-16")]
    public async Task Text_that_is_not_Unicode_is_refused(string body)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = context =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.Body.WriteAsync(System.Text.Encoding.Latin1.GetBytes(body)).AsTask();
        };

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("malformed_json");
    }

    [Theory]
    [InlineData(200, "text/html", "<html>Welcome</html>", "not_json")]
    [InlineData(403, "text/html", "<html>Proxy</html>", "not_json")]
    [InlineData(200, "text/plain", "{}", "not_json")]
    [InlineData(500, "application/json", "{\"error\":\"invalid_grant\"}", "server_status")]
    [InlineData(503, "text/html", "<html>", "server_status")]
    [InlineData(429, "application/json", "{}", "server_status")]
    [Assertion("CL-16")]
    [Rfc("RFC 6749", "5.2")]
    public async Task A_page_or_a_server_error_is_unavailable_and_no_refusal(int status, string type, string body, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, status, body, type);

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Unavailable>().Problem.Code.ShouldBe(code);
    }

    [Fact]
    [Assertion("CL-16")]
    public async Task A_token_endpoint_that_never_answers_is_unavailable()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);

        (await SignInAsync(server, TimeSpan.FromMilliseconds(200))).ShouldBeOfType<SignInResult.Unavailable>().Problem.Code.ShouldBe("timeout");
    }

    [Theory]
    [InlineData(400, "{\"error\":\"invalid_grant\",\"error_description\":\"gone\"}", "invalid_grant")]
    [InlineData(401, "{\"error\":\"invalid_client\"}", "invalid_client")]
    [InlineData(403, "{\"error\":\"custom\",\"error_description\":\"\\u001b[31m\\\"quoted\\\"\"}", "custom")]
    [Rfc("RFC 6749", "5.2")]
    public async Task A_refusal_keeps_its_code_and_loses_what_could_harm_a_terminal(int status, string body, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, status, body);

        var error = (await SignInAsync(server)).ShouldBeOfType<SignInResult.Refused>().Error;

        error.Code.ShouldBe(code);
        error.Description.ShouldAllBe(character => character >= ' ' && character <= '~' && character != '"');
    }

    [Fact]
    [Assertion("CL-13")]
    public async Task A_refusal_that_repeats_the_request_shows_none_of_its_secrets()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = async context =>
        {
            var (asked, form) = (server.AuthorizeRequests.Single(), await context.Request.ReadFormAsync());
            await ScriptedServer.JsonAsync(context, 400, $$"""{"error":"invalid_grant","error_description":"{{form["code"]}} {{form["code_verifier"]}} {{asked["state"]}} {{asked["nonce"]}}"}""");
        };

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Refused>().Error.Description.ShouldBe("[redacted] [redacted] [redacted] [redacted]");
    }

    [Theory]
    [InlineData("{}", "malformed_refusal")]
    [InlineData("{\"error\":\"a\",\"error\":\"b\"}", "malformed_json")]
    [InlineData("[]", "malformed_json")]
    [InlineData("{\"error\":", "malformed_json")]
    public async Task A_refusal_that_is_none_is_against_the_protocol(string body, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, 400, body);

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe(code);
    }

    [Fact]
    [Assertion("CL-16")]
    public async Task An_answer_beyond_the_limit_is_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilTokens = tokens => tokens["padding"] = new string('x', 70_000);

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("too_large");
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    [Assertion("CL-11")]
    [Rfc("RFC 9700", "4.9.1")]
    public async Task The_code_and_its_verifier_follow_no_redirect(int status)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var thief = await ScriptedServer.StartAsync();
        server.Instead["/token"] = context => DiscoveryTests.Redirect(context, status, thief.At("/token"));

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("redirect");
        thief.Paths.ShouldBeEmpty();
    }

    private static void Set(JsonObject tokens, string member, string json)
    {
        tokens.Remove(member);
        if (json.Length > 0) tokens[member] = JsonNode.Parse(json);
    }

    private static async Task<SignInResult> SignInAsync(ScriptedServer server, TimeSpan? requestTimeout = null, Action<ClientEvent>? onEvent = null)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { RequestTimeout = requestTimeout ?? TimeSpan.FromSeconds(30), OnEvent = SuiteWitness.And(onEvent) });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        return await pending.EndAsync(Cancel);
    }
}
