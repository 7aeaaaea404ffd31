using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ProofKey;

namespace EndToEnd;

/// <summary>Debian's nginx and haproxy in front, with the configuration that docs/proxy.md gives.</summary>
public sealed partial class ReverseProxyTests
{
    private const string Root = "/.well-known/oauth-authorization-server";

    [GeneratedRegex("href=\"([^\"]*/signin\\?[^\"]*)\"|action=\"([^\"]*)\"")]
    private static partial Regex Address { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The setups of both proxies; where the path is taken off, as the page says it is done.</summary>
    public static TheoryData<string, string, bool> Setups => new() { { "nginx", "", true }, { "nginx", "/auth", true }, { "nginx", "/auth", false }, { "haproxy", "", true }, { "haproxy", "/auth", true }, { "haproxy", "/auth", false } };

    private static ProxySetup Setup(string proxy, string path, bool keepsPath) => new()
    {
        Proxy = proxy,
        Path = path,
        Changes = keepsPath ? [] : proxy == "nginx" ? [("location /auth/ { proxy_pass http://127.0.0.1:8080; }", "location /auth/ { proxy_pass http://127.0.0.1:8080/; }")]
            : [("    server here", "    http-request replace-path ^/auth/(.*) /\\1\n    server here")],
    };

    private static async Task<string> AddClientAsync(ProxiedServer server, string redirectUri)
    {
        using var client = JsonDocument.Parse(await server.OperateAsync(Cancellation, "client", "add", "Terminal", "--public", "--json", "--redirect-uri", redirectUri));
        return client.RootElement.GetProperty("client_id").GetString()!;
    }

    [Theory]
    [MemberData(nameof(Setups))]
    [Assertion("MD-05")]
    public async Task A_person_signs_in_through_the_proxy_and_doctor_finds_nothing_amiss(string proxy, string path, bool keepsPath)
    {
        await using var server = await ProxiedServer.StartAsync(Setup(proxy, path, keepsPath), Cancellation);
        var tokens = await CodeFlow.SignInAsync(server.Address, await AddClientAsync(server, "http://127.0.0.1/callback"), $"http://127.0.0.1:{server.BackendPort}/callback", Cancellation, way: () => server.From("127.0.0.7"));
        using var http = new HttpClient(server.From("127.0.0.7"));
        http.DefaultRequestHeaders.Authorization = new("Bearer", tokens.GetProperty("access_token").GetString());
        (await http.GetStringAsync(new Uri(server.Address + "/userinfo"), Cancellation)).ShouldContain("\"sub\"");

        var (exitCode, findings) = await server.DoctorAsync(Cancellation);
        findings.Where(finding => finding.Key != "runtime" && !finding.Value.StartsWith("good", StringComparison.Ordinal)).ShouldBeEmpty();
        findings.Count.ShouldBeGreaterThan(10);
        exitCode.ShouldBe(0);
    }

    [Theory]
    [InlineData("nginx"), InlineData("haproxy")]
    [Assertion("UI-05")]
    public async Task Cookies_are_secure_and_bound_to_the_host_and_pages_stay_within_the_public_address(string proxy)
    {
        await using var server = await ProxiedServer.StartAsync(Setup(proxy, "/auth", keepsPath: false), Cancellation);
        using var http = new HttpClient(server.From("127.0.0.7"));
        using var sent = await http.GetAsync(new Uri(server.Address + "/device"), Cancellation);
        var signIn = new Uri(new Uri(server.Address), sent.Headers.Location!);
        signIn.GetLeftPart(UriPartial.Path).ShouldBe(server.Address + "/signin");
        using var page = await http.GetAsync(signIn, Cancellation);
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        var cookie = page.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem().Split("; ");
        cookie[0].ShouldStartWith("__Host-proofkey-browser=");
        cookie.Skip(1).Select(part => part.ToLowerInvariant()).Where(part => !part.StartsWith("max-age", StringComparison.Ordinal) && !part.StartsWith("expires", StringComparison.Ordinal))
            .ShouldBe(["path=/", "secure", "samesite=lax", "httponly"], ignoreOrder: true);
        foreach (Match address in Address.Matches(await page.Content.ReadAsStringAsync(Cancellation)))
            new Uri(signIn, WebUtility.HtmlDecode(address.Groups[1].Success ? address.Groups[1].Value : address.Groups[2].Value)).ToString().ShouldStartWith(server.Address + "/");
    }

    [Theory]
    [InlineData("nginx"), InlineData("haproxy")]
    [Assertion("MD-05")]
    [Assertion("UI-22")]
    public async Task The_address_that_counts_is_the_one_that_the_proxy_saw_whatever_the_client_claims(string proxy)
    {
        await using var server = await ProxiedServer.StartAsync(Setup(proxy, "", keepsPath: true), Cancellation);
        using var http = new HttpClient(server.From("127.0.0.7"));
        async Task<HttpStatusCode> RefusedAsync(HttpClient from, string claims)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, server.Address + "/token") { Content = new FormUrlEncodedContent([new("grant_type", "none")]) };
            request.Headers.Add("X-Forwarded-For", claims);
            using var answer = await from.SendAsync(request, Cancellation);
            return answer.StatusCode;
        }

        // The trail has the address of whoever fails, and not the one that they write.
        using (var person = new Person(server.From("127.0.0.7")) { Password = "wrong password" })
        {
            person.Headers.Add("X-Forwarded-For", "203.0.113.9");
            await Should.ThrowAsync<InvalidOperationException>(() => person.BrowseAsync(new Uri(server.Address + "/device"), Cancellation));
        }
        using (var entry = JsonDocument.Parse(await server.OperateAsync(Cancellation, "audit-log", "--kind", "sign-in-failed", "--json")))
            entry.RootElement.GetProperty("address").GetString().ShouldBe("127.0.0.7");

        // Nobody gets a new budget by a new claim, nor eats up another's.
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 301; i++) answers.Add(await RefusedAsync(http, $"203.0.113.{i % 250}, 127.0.0.8"));
        answers[^1].ShouldBe(HttpStatusCode.TooManyRequests);
        answers.Take(300).ShouldAllBe(status => status == HttpStatusCode.BadRequest);
        using var other = new HttpClient(server.From("127.0.0.8"));
        (await RefusedAsync(other, "127.0.0.7")).ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("nginx"), InlineData("haproxy")]
    [Assertion("MD-05")]
    public async Task Behind_two_proxies_that_are_both_named_it_is_the_one_before_them_who_counts(string proxy)
    {
        await using var server = await ProxiedServer.StartAsync(Setup(proxy, "", keepsPath: true) with { Trusted = ["127.0.0.1", "127.0.0.7"] }, Cancellation);
        using var person = new Person(server.From("127.0.0.7"));
        person.Headers.Add("X-Forwarded-For", "198.51.100.1, 203.0.113.9");
        var client = await AddClientAsync(server, "http://127.0.0.1/callback");
        await person.AnswerAsync(CodeFlow.Request(server.Address, client, "http://127.0.0.1:9/callback", CodeVerifier.New().Challenge), Cancellation);
        using var entry = JsonDocument.Parse(await server.OperateAsync(Cancellation, "audit-log", "--kind", "signed-in", "--json"));
        entry.RootElement.GetProperty("address").GetString().ShouldBe("203.0.113.9");
        (await server.DoctorAsync(Cancellation, "--data", server.Data)).Findings["addresses"].ShouldStartWith("good: ");
    }

    [Theory]
    [InlineData("nginx", "    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n", "", "addresses", "Everyone seems to come from 127.0.0.1")]
    [InlineData("nginx", "proxy_redirect off;", "proxy_redirect off; proxy_hide_header Set-Cookie;", "cookies", "Set-Cookie is lost on the way.")]
    [InlineData("nginx", "proxy_redirect off;", "proxy_redirect off; proxy_cookie_flags ~ nosecure;", "cookies", "no secure")]
    [InlineData("nginx", "proxy_redirect off;", "proxy_redirect off; proxy_hide_header Strict-Transport-Security;", "hsts", "Strict-Transport-Security is lost on the way.")]
    [InlineData("nginx", "proxy_redirect off;", "proxy_redirect off; proxy_set_header Authorization \"\";", "authorization", "Authorization is lost on the way.")]
    [InlineData("nginx", "proxy_redirect off;", "proxy_redirect off; client_max_body_size 16k;", "long bodies", "413")]
    [InlineData("nginx", "large_client_header_buffers 4 16k;", "large_client_header_buffers 4 4k;", "long addresses", "414")]
    [InlineData("nginx", "proxy_redirect off;", "proxy_redirect off; error_page 400 =200 /healthz; proxy_intercept_errors on;", "pages", "200")]
    [InlineData("nginx", "location / {", "location = " + Root + " { return 404; } location / {", "well-known", "answers 404")]
    [InlineData("nginx", "location / { proxy_pass http://127.0.0.1:8080; }", "return 308 https://www.example.com$request_uri;", "metadata", "The host is lost on the way")]
    [InlineData("nginx", "location / { proxy_pass http://127.0.0.1:8080; }", "return 308 http://login.example.com:443$request_uri;", "metadata", "The scheme is lost on the way")]
    [InlineData("haproxy", "    option forwardfor\n", "", "addresses", "Everyone seems to come from 127.0.0.1")]
    [InlineData("haproxy", "    tune.bufsize 65536\n", "    tune.bufsize 8192\n", "long addresses", "400")]
    [InlineData("haproxy", "    server here", "    http-response del-header Set-Cookie\n    server here", "cookies", "Set-Cookie is lost on the way.")]
    [InlineData("haproxy", "    default_backend", "    http-request return status 404 if { path_beg " + Root + " }\n    default_backend", "well-known", "answers 404")]
    public async Task Doctor_names_what_a_proxy_loses(string proxy, string from, string to, string check, string found)
    {
        await using var server = await ProxiedServer.StartAsync(Setup(proxy, "", keepsPath: true) with { Changes = [(from, to)] }, Cancellation);
        if (check == "addresses")
        {
            var client = await AddClientAsync(server, "http://127.0.0.1/callback");
            await CodeFlow.SignInAsync(server.Address, client, "http://127.0.0.1:9/callback", Cancellation, way: () => server.From("127.0.0.7"));
        }
        var (exitCode, findings) = await server.DoctorAsync(Cancellation, "--data", server.Data);
        findings[check].ShouldStartWith("bad: ");
        findings[check].ShouldContain(found);
        exitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("scheme"), InlineData("host"), InlineData("path")]
    public async Task Doctor_says_how_the_issuer_differs_from_the_public_address(string part)
    {
        await using var server = await ProxiedServer.StartAsync(
            Setup("nginx", "", keepsPath: true) with
            {
                Issuer = address => part switch { "scheme" => $"http://localhost:{new Uri(address).Port}", "host" => "https://intern.example.com", _ => address + "/auth" },
            },
            Cancellation);
        var (exitCode, findings) = await server.DoctorAsync(Cancellation);
        findings["metadata"].ShouldStartWith("bad: The server says that its issuer is ");
        findings["metadata"].ShouldEndWith($": the {part} differs.");
        exitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("nginx", "    proxy_set_header X-Forwarded-Proto $scheme;\n"), InlineData("haproxy", "    http-request set-header X-Forwarded-Proto https\n")]
    [Assertion("MD-05")]
    public async Task A_scheme_that_is_not_forwarded_loses_nothing_since_the_issuer_is_a_setting(string proxy, string line)
    {
        await using var server = await ProxiedServer.StartAsync(Setup(proxy, "", keepsPath: true) with { Changes = [(line, "")] }, Cancellation);
        await CodeFlow.SignInAsync(server.Address, await AddClientAsync(server, "http://127.0.0.1/callback"), "http://127.0.0.1:9/callback", Cancellation, way: () => server.From("127.0.0.7"));
        (await server.DoctorAsync(Cancellation)).ExitCode.ShouldBe(0);
    }
}
