using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Pages of a registered origin read the answers that pages need; all others read none.</summary>
public sealed class CorsTests(TokenServer at) : IClassFixture<TokenServer>, IAsyncLifetime
{
    private const string Origin = "https://app.example";

    private static readonly string[] Paths = ["/token", "/revoke", "/userinfo", "/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

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
    [Assertion("MD-10")]
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
            foreach (var method in (string[])["GET", "POST", "OPTIONS"])
            {
                var answer = await SendAsync(method, path, origin);
                if (answer.Status == HttpStatusCode.MethodNotAllowed) continue;
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
        Allowed(await SendAsync("GET", "/jwks", "https://gone.example")).ShouldBe("https://gone.example");
        await at.Server.Registry.RemoveClientAsync(client.Id);
        Allowed(await SendAsync("GET", "/jwks", "https://gone.example")).ShouldBeNull();
    }

    [Fact]
    [Assertion("TK-17")]
    public async Task Two_origins_in_one_request_are_foreign()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, at.Server.Issuer + "/jwks");
        request.Headers.TryAddWithoutValidation("Origin", [Origin, Origin]);
        Allowed(await TokenCalls.SendAsync(request)).ShouldBeNull();
    }

    private static string? Allowed(JsonAnswer answer) => answer.Response.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? string.Join(',', values) : null;

    private async Task<JsonAnswer> SendAsync(string method, string path, string origin)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), at.Server.Issuer + path);
        request.Headers.TryAddWithoutValidation("Origin", origin);
        if (method == "POST") request.Content = new FormUrlEncodedContent([]);
        if (method == "OPTIONS") request.Headers.TryAddWithoutValidation("Access-Control-Request-Method", "POST");
        return await TokenCalls.SendAsync(request);
    }
}
