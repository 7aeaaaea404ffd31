using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Pages of a registered origin read the answers that pages need; all others read none.</summary>
public sealed class CorsTests(TokenServer at) : IClassFixture<TokenServer>, IAsyncLifetime
{
    private const string Origin = "https://app.example";

    private static readonly string[] Paths = ["/token", "/revoke", "/userinfo", "/par"];

    private static readonly string[] PublicPaths = ["/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

    private RegisteredClient _client = null!;

    public async ValueTask InitializeAsync() => _client = await at.AddClientAsync(registration => registration with { Origins = [Origin, "https://other.example:8443"] });

    public async ValueTask DisposeAsync() => await at.Server.Registry.RemoveClientAsync(_client.Id);

    [Theory]
    [Rfc("RFC 6454", "6.2")]
    [InlineData("https://app.example/")]
    [InlineData("https://app.example/callback")]
    [InlineData("https://app.example?a=b")]
    [InlineData("http://app.example")]
    [InlineData("app.example")]
    [InlineData("null")]
    [InlineData("*")]
    public async Task Only_an_origin_can_be_registered_as_one(string text) =>
        await Should.ThrowAsync<FormatException>(() => at.AddClientAsync(registration => registration with { Origins = [text] }));

    [Theory]
    [Assertion("TK-17")]
    [InlineData(Origin, true)]
    [InlineData("https://other.example:8443", true)]
    [InlineData("https://other.example", false)]
    [InlineData("https://evil.example", false)]
    [InlineData("null", false)]
    [InlineData("http://app.example", false)]
    [InlineData("https://app.example:444", false)]
    [InlineData("https://app.example.evil.example", false)]
    [InlineData("https://evilapp.example", false)]
    [InlineData("https://app.exampl", false)]
    [InlineData("HTTPS://APP.EXAMPLE", false)]
    [InlineData("https://app.example/", false)]
    [InlineData("*", false)]
    [InlineData("https://%", false)]
    public async Task An_answer_names_its_origin_only_if_it_is_registered(string origin, bool isAllowed)
    {
        foreach (var path in Paths)
        {
            foreach (var method in (string[])["GET", "POST", "OPTIONS", "PUT", "DELETE"])
            {
                var answer = await SendAsync(method, path, origin);
                Allowed(answer).ShouldBe(isAllowed ? origin : null, $"{method} {path}");
                answer.Response.Headers.Contains("Access-Control-Allow-Credentials").ShouldBeFalse();
                answer.Response.Headers.Vary.ShouldContain("Origin");
            }
        }
    }

    [Fact]
    [Assertion("TK-17")]
    public async Task Errors_carry_the_headers_too_and_a_page_can_read_the_challenge()
    {
        var token = await SendAsync("POST", "/token", Origin);
        (token.Status, Allowed(token)).ShouldBe((HttpStatusCode.BadRequest, Origin));
        var userinfo = await SendAsync("GET", "/userinfo", Origin);
        (userinfo.Status, Allowed(userinfo)).ShouldBe((HttpStatusCode.Unauthorized, Origin));
        userinfo.Response.Headers.GetValues("Access-Control-Expose-Headers").ShouldHaveSingleItem().Split(", ").ShouldBe(["WWW-Authenticate", "Retry-After", "DPoP-Nonce"]);
    }

    [Fact]
    [Assertion("TK-17")]
    public async Task A_preflight_allows_what_a_client_sends()
    {
        var answer = await SendAsync("OPTIONS", "/token", Origin);
        answer.Status.ShouldBe(HttpStatusCode.NoContent);
        answer.Response.Headers.GetValues("Access-Control-Allow-Methods").ShouldHaveSingleItem().ShouldContain("POST");
        answer.Response.Headers.GetValues("Access-Control-Allow-Headers").ShouldHaveSingleItem().Split(", ").ShouldBe(["authorization", "content-type", "dpop"]);
    }

    [Fact]
    [Assertion("TK-17")]
    [Rfc("RFC 9700", "2.6")]
    public async Task The_pages_are_for_browsers_and_not_for_scripts()
    {
        foreach (var path in (string[])["/authorize", "/signin", "/consent"])
        {
            foreach (var method in (string[])["GET", "POST", "OPTIONS"])
                (await SendAsync(method, path, Origin)).Response.Headers.ShouldNotContain(header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    [Assertion("TK-17")]
    public async Task The_origin_of_a_removed_client_is_foreign_again()
    {
        var client = await at.AddClientAsync(registration => registration with { Origins = ["https://gone.example"] });
        Allowed(await SendAsync("POST", "/token", "https://gone.example")).ShouldBe("https://gone.example");
        await at.Server.Registry.RemoveClientAsync(client.Id);
        Allowed(await SendAsync("POST", "/token", "https://gone.example")).ShouldBeNull();
    }

    [Fact]
    [Assertion("TK-17")]
    [Assertion("TK-18")]
    public async Task Unknown_origins_cost_only_so_many_queries_a_minute_and_known_ones_none_at_a_preflight()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RefusalsPerMinute = 5);
        var known = await server.AddClientAsync("https://app.example/callback");
        Allowed(await SendAsync("OPTIONS", "/token", Origin, server)).ShouldBe(Origin);
        for (var number = 0; number < 5; number++) Allowed(await SendAsync("OPTIONS", "/token", $"https://unknown{number}.example", server)).ShouldBeNull();
        await server.AddClientAsync("https://new.example/callback");
        Allowed(await SendAsync("OPTIONS", "/token", "https://new.example", server)).ShouldBeNull("this network is not looked up any more");
        Allowed(await SendAsync("OPTIONS", "/revoke", "https://new.example", server)).ShouldBe("https://new.example", "each endpoint counts for itself");
        Allowed(await SendAsync("POST", "/token", Origin, server)).ShouldBe(Origin, "what was allowed stays so");
        server.Time.Advance(TimeSpan.FromMinutes(1));
        Allowed(await SendAsync("OPTIONS", "/token", "https://new.example", server)).ShouldBe("https://new.example");

        await server.Registry.RemoveClientAsync(known.Id);
        Allowed(await SendAsync("OPTIONS", "/token", Origin, server)).ShouldBe(Origin, "from memory");
        Allowed(await SendAsync("POST", "/token", Origin, server)).ShouldBeNull();
        Allowed(await SendAsync("OPTIONS", "/token", Origin, server)).ShouldBeNull();
    }

    [Fact]
    [Assertion("TK-17")]
    public async Task Two_origins_in_one_request_are_foreign()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, at.Server.Issuer + "/userinfo");
        request.Headers.TryAddWithoutValidation("Origin", [Origin, Origin]);
        Allowed(await TokenCalls.SendAsync(request)).ShouldBeNull();
    }

    [Fact]
    [Assertion("MD-10")]
    public async Task Metadata_and_keys_may_be_read_by_any_page_and_are_the_same_for_all()
    {
        foreach (var path in PublicPaths)
        {
            foreach (var method in (string[])["GET", "OPTIONS", "POST"])
            {
                var answer = await SendAsync(method, path, "https://anyone.example");
                Allowed(answer).ShouldBe("*", $"{method} {path}");
                answer.Response.Headers.Contains("Access-Control-Allow-Credentials").ShouldBeFalse();
            }
            Allowed(await at.GetAsync(path)).ShouldBe("*", "a cache may keep one answer for everybody");
        }
    }

    [Theory]
    [Assertion("TK-17")]
    [InlineData("https://web.example:8443/app/callback", "https://web.example:8443", true)]
    [InlineData("https://web.example:8443/app/callback", "https://web.example", false)]
    [InlineData("http://127.0.0.1:5173/callback", "http://127.0.0.1:5173", true)]
    [InlineData("http://127.0.0.1/callback", "http://127.0.0.1:49152", true)]
    [InlineData("http://127.0.0.1/callback", "http://127.0.0.1", true)]
    [InlineData("http://127.0.0.1/callback", "http://127.0.0.1:0", false)]
    [InlineData("http://127.0.0.1/callback", "http://127.0.0.1:*", false)]
    [InlineData("http://127.0.0.1/callback", "http://127.0.0.1.evil.example", false)]
    [InlineData("http://127.0.0.1/callback", "https://127.0.0.1:49152", false)]
    [InlineData("http://127.0.0.1/callback", "http://[::1]:49152", false)]
    [InlineData("http://[::1]/callback", "http://[::1]:49152", true)]
    [InlineData("http://localhost:3000/callback", "http://localhost:3000", true)]
    [InlineData("http://localhost:3000/callback", "http://localhost:3001", false)]
    [InlineData("com.example.app:/callback", "com.example.app", false)]
    [InlineData("com.example.app:/callback", "null", false)]
    public async Task The_origin_of_a_redirect_URI_is_the_clients_without_a_word(string redirectUri, string origin, bool isAllowed)
    {
        var client = await at.Server.AddClientAsync(redirectUri);
        Allowed(await SendAsync("POST", "/token", origin)).ShouldBe(isAllowed ? origin : null);
        await at.Server.Registry.RemoveClientAsync(client.Id);
        Allowed(await SendAsync("POST", "/token", origin)).ShouldBeNull();
    }

    [Fact]
    [Assertion("TK-17")]
    [Assertion("TK-21")]
    public async Task While_the_database_is_away_known_pages_can_read_that_and_unknown_ones_nothing()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddClientAsync("https://app.example/callback");
        Allowed(await SendAsync("POST", "/token", Origin, server)).ShouldBe(Origin);
        await server.Service<Database>().InTransactionAsync(connection => connection.ExecuteAsync("alter table client rename to client_away", CancellationToken.None), CancellationToken.None);
        foreach (var (origin, allowed) in (Dictionary<string, string?>)new() { [Origin] = Origin, ["https://other.example"] = null })
        {
            var answer = await server.PostFormAsync("/token", [new("grant_type", "refresh_token"), new("client_id", "x"), new("refresh_token", "x")], request => request.Headers.TryAddWithoutValidation("Origin", origin));
            (answer.Status, answer.Error, Allowed(answer)).ShouldBe((HttpStatusCode.ServiceUnavailable, "temporarily_unavailable", allowed));
        }
        (await SendAsync("GET", "/jwks", Origin, server)).Status.ShouldBe(HttpStatusCode.OK, "what needs no database goes on");
    }

    [Fact]
    [Assertion("TK-01")]
    [Rfc("RFC 9110", "15.5.6")]
    public async Task A_wrong_method_is_answered_with_the_right_ones_so_that_a_page_can_read_it()
    {
        foreach (var (path, allowed) in (Dictionary<string, string>)new() { ["/token"] = "POST", ["/revoke"] = "POST", ["/introspect"] = "POST", ["/userinfo"] = "GET, POST", ["/jwks"] = "GET, HEAD" })
        {
            var answer = await SendAsync("PATCH", path, Origin);
            (answer.Status, answer.Error).ShouldBe((HttpStatusCode.MethodNotAllowed, "invalid_request"));
            string.Join(", ", answer.Response.Content.Headers.Allow).ShouldBe(allowed);
        }
    }

    private static string? Allowed(JsonAnswer answer) => answer.Response.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? string.Join(',', values) : null;

    private async Task<JsonAnswer> SendAsync(string method, string path, string origin, RunningServer? server = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), (server ?? at.Server).Issuer + path);
        request.Headers.TryAddWithoutValidation("Origin", origin);
        if (method == "POST") request.Content = new FormUrlEncodedContent([]);
        if (method == "OPTIONS") request.Headers.TryAddWithoutValidation("Access-Control-Request-Method", "POST");
        return await TokenCalls.SendAsync(request);
    }
}
