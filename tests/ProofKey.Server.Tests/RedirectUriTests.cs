using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>One matcher stands at every way in: the same hostile addresses, by GET, by POST and at the pages.</summary>
public sealed class RedirectUriTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string Web = "https://app.example/cb";
    private const string WebWithQuery = "https://app.example/cb?tenant=1";
    private const string V4 = "http://127.0.0.1/cb";
    private const string V6 = "http://[::1]/cb";
    private const string Localhost = "http://localhost:8080/cb";
    private const string Private = "com.example.app:/cb";

    private readonly RunningServer _server = shared.Server;

    // For each registered address, what must not pass for it.
    public static TheoryData<string, string[]> Hostile => new()
    {
        {
            Web,
            [
                // Another host altogether.
                "https://collector.example/cb", "https://example/cb",
                // Paths.
                "https://app.example/cb/x", "https://app.example/cb/", "https://app.example/CB", "https://app.example/cb%2e", "https://app.example/cb/../x", "https://app.example/x/../cb",
                "https://app.example/cb/..;/x", "https://app.example/x/%2e%2e/cb", "https://app.example/cb%2f..%2fx", "https://app.example/cb%252f..%252fx", "https://app.example//cb", "https://app.example/./cb",
                "https://app.example/c%62", "https://app.example", "https://app.example/", "https://app.example/cb;x", "https://app.example/cb%00", "https://app.example/cb ", " https://app.example/cb",
                // Queries and fragments.
                "https://app.example/cb?a=b", "https://app.example/cb?", "https://app.example/cb#f", "https://app.example/cb#", "https://app.example/cb&x=y",
                // Hosts.
                "https://app.example.evil/cb", "https://evilapp.example/cb", "https://app.example@evil/cb", "https://a@app.example@evil/cb", "https://user@app.example/cb", "https://evil\\@app.example/cb",
                "https://app.example:80@evil/cb", "https://app.example\0.evil/cb", "https://app.example./cb", "https://APP.example/cb", "https://\uff41pp.example/cb", "https://\u0430pp.example/cb",
                "https:/\\evil/cb", "https:\\\\app.example\\cb", "https:///app.example/cb", "https:app.example/cb", "//app.example/cb", "/cb", "https://app.example:443/cb", "https://app.example:8443/cb",
                "https://app.exam\tple/cb", "https://app.example/cb\r\n", "https://app.example/\ncb", "https://sub.app.example/cb", "https://[::ffff:127.0.0.1]/cb",
                // Schemes.
                "http://app.example/cb", "HTTPS://app.example/cb", "ftp://app.example/cb", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "\tjavascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x",
                "file:///etc/passwd", "\u0001https://app.example/cb", "about:blank", "*", "https://*.example/cb",
            ]
        },
        { WebWithQuery, ["https://app.example/cb", "https://app.example/cb?", "https://app.example/cb?tenant=2", "https://app.example/cb?tenant=1&a=b", "https://app.example/cb?tenant=1#", "https://app.example/cb?TENANT=1", "https://app.example/cb?tenant=%31"] },
        {
            V4,
            [
                "http://127.0.0.1/other", "http://127.0.0.1/cb/", "http://127.0.0.1/cb?x=1", "http://127.0.0.1:80@evil/cb", "http://127.0.0.1@evil/cb", "http://127.0.0.1:8080@evil.example:80/cb", "http://localhost/cb",
                "http://localhost:80/cb", "http://[::1]/cb", "http://127.1/cb", "http://2130706433/cb", "http://0x7f.1/cb", "http://0177.0.0.1/cb", "http://0.0.0.0/cb", "http://127.0.0.2/cb", "http://127.0.0.1.evil/cb",
                "http://127.0.0.1.evil:80/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:8a/cb", "http://127.0.0.1:+80/cb", "http://127.0.0.1:-80/cb",
                "http://127.0.0.1: 80/cb", "http://127.0.0.1:080/cb", "http://127.0.0.1:\uff18\uff10/cb", "http://127.0.0.1:/cb", "http://127.0.0.1::80/cb", "http://127.0.0.1:80:80/cb", "https://127.0.0.1/cb",
                "http://127.0.0.1:80\\@evil/cb", "http://127.0.0.1:80#@evil/cb", "http://127.0.0.1#/cb", "http://127.0.0.1?/cb", "http://127.0.0.1\\cb", "http://127.0.0.1", "http:/127.0.0.1/cb", "HTTP://127.0.0.1/cb",
                "http://127.0.0.1:1000000000000000000000/cb", "http://[::ffff:127.0.0.1]/cb", "http://127.0.0.1:80/cb%00", "http://127.0.0.1%00/cb", "http://127.0.0.1:80\t/cb",
            ]
        },
        { V6, ["http://127.0.0.1/cb", "http://[::1]:0/cb", "http://[::1]:65536/cb", "http://[0:0:0:0:0:0:0:1]/cb", "http://[::1%25lo]/cb", "http://::1/cb", "http://[::1]@evil/cb", "http://[::1]:80@evil/cb", "http://[::]/cb", "http://[::1].evil/cb"] },
        { Localhost, ["http://localhost/cb", "http://localhost:8081/cb", "http://127.0.0.1:8080/cb", "http://localhost.:8080/cb", "http://LOCALHOST:8080/cb", "http://localhost:8080/cb/", "http://localhost:8080@evil/cb"] },
        { Private, ["com.example.app://cb", "com.example.app:cb", "com.example.app:/cb/", "COM.example.app:/cb", "com.example.app:/cb?x=1", "com.example.app:///cb", "com.example.apps:/cb", "com.example:/cb"] },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    [Assertion("RU-01")]
    [Assertion("RU-02")]
    [Assertion("RU-03")]
    [Assertion("RU-04")]
    [Assertion("RU-06")]
    [Assertion("RU-13")]
    [Rfc("RFC 6749", "3.1.2")]
    [Rfc("RFC 9700", "2.1")]
    [Rfc("RFC 8252", "7.3")]
    [Rfc("RFC 8252", "8.3")]
    public async Task No_other_address_passes_for_a_registered_one(string registered, string[] hostile)
    {
        var client = await _server.AddClientAsync(registered);
        using var person = await shared.SignedInAsync();
        foreach (var uri in hostile)
        {
            var request = shared.Request(client).Set("redirect_uri", uri);
            await ShouldBeRefusedAsync(await person.GetOnceAsync(request.ToString()), $"GET {uri}");
            await ShouldBeRefusedAsync(await person.PostToAuthorizeAsync(request), $"POST {uri}");
            var pushed = await _server.PushAsync(request);
            (pushed.Status, pushed.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"), $"PAR {uri}");
        }
        var silent = shared.Request(client).Set("redirect_uri", hostile[0]).Set("prompt", "none").Set("response_mode", "form_post");
        await ShouldBeRefusedAsync(await person.GetOnceAsync(silent.ToString()), "prompt=none");
        await ShouldBeRefusedAsync(await person.GetAsync(silent.ToString().Replace("/authorize", "/signin", StringComparison.Ordinal)), "the sign-in page");
        await ShouldBeRefusedAsync(await person.GetAsync(silent.ToString().Replace("/authorize", "/consent", StringComparison.Ordinal)), "the consent page");
    }

    private static async Task ShouldBeRefusedAsync(HttpResponseMessage response, string because)
    {
        var page = await response.ShouldBeErrorPageAsync(because);
        page.DocumentElement.OuterHtml.ShouldNotContain("evil", Case.Insensitive, because);
        page.DocumentElement.OuterHtml.ShouldNotContain("/cb", Case.Insensitive, because);
    }

    [Theory]
    [InlineData(V4, "http://127.0.0.1:1/cb")]
    [InlineData(V4, "http://127.0.0.1:80/cb")]
    [InlineData(V4, "http://127.0.0.1:49152/cb")]
    [InlineData(V4, "http://127.0.0.1:65535/cb")]
    [InlineData(V4, "http://127.0.0.1/cb")]
    [InlineData(V6, "http://[::1]:1/cb")]
    [InlineData(V6, "http://[::1]:65535/cb")]
    [InlineData(V6, "http://[::1]/cb")]
    [InlineData("http://127.0.0.1:3000/cb?x=1", "http://127.0.0.1:4000/cb?x=1")]
    [Assertion("RU-05")]
    [Rfc("RFC 8252", "7.3")]
    public async Task On_a_loopback_address_every_port_is_good(string registered, string requested)
    {
        var client = await _server.AddClientAsync(registered);
        using var person = await shared.SignedInAsync();
        var request = new AuthorizeUrl(_server, client, requested);
        var response = await person.SubmitAsync(await person.ConsentFormAsync(request), ("decision", "allow"));
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        response.Headers.Location!.OriginalString.ShouldStartWith($"{requested}{(requested.Contains('?', StringComparison.Ordinal) ? '&' : '?')}code=");
    }

    [Theory]
    [InlineData("https://app.example/cb#fragment")]
    [InlineData("https://*.example/cb")]
    [InlineData("https://app.example/*")]
    [InlineData("https://user@app.example/cb")]
    [InlineData("/cb")]
    [InlineData("//app.example/cb")]
    [InlineData("http://app.example/cb")]
    [InlineData("http://127.0.0.1.evil/cb")]
    [InlineData("http://127.1/cb")]
    [InlineData("myapp:/cb")]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("vbscript:x")]
    [InlineData("https://app.example/a/../cb")]
    [InlineData("https://APP.example/cb")]
    [InlineData("https://app.example/c b")]
    [InlineData("https://app.example./cb")]
    [InlineData("")]
    [Assertion("RU-04")]
    [Assertion("RU-09")]
    [Rfc("RFC 6749", "3.1.2")]
    [Rfc("RFC 8252", "7.1")]
    public async Task An_address_that_could_be_another_ones_is_not_registered(string uri) =>
        (await Should.ThrowAsync<FormatException>(() => _server.AddClientAsync(uri))).Message.ShouldNotBeNullOrWhiteSpace();

    [Theory]
    [InlineData("code")]
    [InlineData("state")]
    [InlineData("iss")]
    [InlineData("error")]
    [InlineData("error_description")]
    [InlineData("id_token")]
    [InlineData("access_token")]
    [InlineData("response")]
    [InlineData("session_state")]
    [InlineData("CODE")]
    [InlineData("%63ode")]
    [InlineData("c%6Fde")]
    [Assertion("RU-10")]
    public async Task An_address_that_brings_its_own_answer_is_not_registered(string name)
    {
        foreach (var uri in (string[])[$"https://app.example/cb?{name}=x", $"https://app.example/cb?a=b&{name}", $"http://127.0.0.1/cb?{name}=", $"com.example.app:/cb?{name}=x"])
            await Should.ThrowAsync<FormatException>(() => _server.AddClientAsync(uri), uri);
    }

    [Fact]
    [Assertion("RU-07")]
    [Rfc("RFC 8252", "8.3")]
    public void The_name_localhost_matches_with_its_port_only()
    {
        var registered = RedirectUri.Parse(Localhost);
        registered.Kind.ShouldBe(RedirectUriKind.Localhost);
        registered.Matches(Localhost).ShouldBeTrue();
        registered.Matches("http://localhost:8081/cb").ShouldBeFalse();
    }

    [Fact]
    public async Task Each_of_several_addresses_matches_by_itself()
    {
        RegisteredClient client = await _server.AddClientAsync(change: registration => registration with { RedirectUris = [V4, Web] });
        using var person = await shared.SignedInAsync();
        (await person.AuthorizeAsync(new AuthorizeUrl(_server, client, "http://127.0.0.1:5000/cb"))).ShouldContainKey("code");
        (await person.AuthorizeAsync(new AuthorizeUrl(_server, client, Web))).ShouldContainKey("code");
        await ShouldBeRefusedAsync(await person.GetOnceAsync(new AuthorizeUrl(_server, client, "https://app.example:5000/cb").ToString()), "the port of the one with the host of the other");
    }
}
