using System.Net;
using System.Net.Sockets;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>Attacks on what the server reads, fetches and publishes. A name ends with a case of its kind, where one was published.</summary>
public sealed class SurfaceAttackTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("Host: evil.example")]
    [InlineData("X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 444", "X-Forwarded-Prefix: /evil")]
    [InlineData("X_Forwarded_Host: evil.example")]
    [InlineData("Forwarded: host=evil.example;proto=https")]
    [InlineData("X-Original-URL: /evil", "X-Rewrite-URL: /evil", "X-Original-Host: evil.example")]
    [Assertion("MD-05")]
    [Assertion("MD-06")]
    [Rfc("RFC 9700", "4.13")]
    public async Task No_header_poisons_an_address_a_redirect_a_cookie_or_a_cache_CVE_2026_76835_CVE_2025_64484_CVE_2025_64101(params string[] headers)
    {
        using var person = _server.NewPerson();
        var request = shared.Request(shared.Web);
        foreach (var target in (string[])["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks", request.ToString(), "/signin"])
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, _server.Issuer + target);
            foreach (var header in headers) message.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]).ShouldBeTrue();
            var answer = await person.Http.SendAsync(message, TestContext.Current.CancellationToken);
            var text = $"{answer.Headers}{await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
            text.ShouldNotContain("evil", Case.Insensitive, target);
            ((int)answer.StatusCode).ShouldBeLessThan(500);
            if (answer.Headers.TryGetValues("Set-Cookie", out var cookies)) cookies.ShouldAllBe(cookie => !cookie.Contains("Domain", StringComparison.OrdinalIgnoreCase));
            if (answer.Headers.CacheControl is { Public: true }) answer.Headers.Contains("Set-Cookie").ShouldBeFalse("a cookie in a shared cache is somebody else's session");
        }
    }

    [Fact]
    [Assertion("UI-04")]
    public async Task An_answer_that_sets_a_cookie_or_shows_a_form_is_kept_by_no_cache_CVE_2025_48947()
    {
        using var person = _server.NewPerson();
        var signIn = await person.GetAsync(shared.Request(shared.Web).ToString());
        signIn.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var form = await Person.FormOf(signIn);
        var signedIn = await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password)]);
        signedIn.Headers.Contains("Set-Cookie").ShouldBeTrue();
        signedIn.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory]
    [InlineData("request_uri", "/x")]
    [InlineData("request_uri", "/latest/meta-data")]
    [InlineData("request", null)]
    [InlineData("registration", null)]
    [Assertion("PR-09")]
    [Assertion("AZ-26")]
    public async Task Nothing_is_fetched_for_a_request_CVE_2020_10770_CVE_2026_4366(string name, string? path)
    {
        using var collector = new TcpListener(IPAddress.Loopback, 0);
        collector.Start();
        using var person = await shared.SignedInAsync();
        var address = $"http://{collector.LocalEndpoint}{path}";
        var request = shared.Request(shared.Web).Set(name, path is null ? $$"""{"jwks_uri":"{{address}}"}""" : address);
        var answer = await person.GetAsync(request.ToString());
        answer.Headers.Location?.OriginalString.ShouldNotContain("code=", Case.Sensitive);
        (await _server.PushAsync(request)).Status.ShouldBe(HttpStatusCode.BadRequest);
        collector.Pending().ShouldBeFalse("nobody came");
    }

    [Theory]
    [InlineData("/token", "client_id")]
    [InlineData("/token", "grant_type")]
    [InlineData("/token", "code")]
    [InlineData("/token", "code_verifier")]
    [InlineData("/token", "redirect_uri")]
    [InlineData("/par", "client_id")]
    [InlineData("/par", "redirect_uri")]
    [InlineData("/par", "code_challenge")]
    [InlineData("/revoke", "token")]
    [Assertion("TK-02")]
    [Assertion("PR-04")]
    [Rfc("RFC 6749", "3.2")]
    public async Task Of_a_parameter_that_comes_twice_neither_counts_CVE_2025_67716(string path, string name)
    {
        var request = shared.Request(shared.Web);
        IEnumerable<KeyValuePair<string, string>> sent = path switch
        {
            "/token" => TokenCalls.CodeExchange(shared.Web, request, "code"),
            "/par" => request.Parameters,
            _ => new Dictionary<string, string> { ["client_id"] = shared.Web.Id, ["token"] = "pkr_x" },
        };
        var fields = sent.ToList();
        var value = fields.First(field => field.Key == name).Value;
        foreach (var second in (string[])[value, "another"])
            (await _server.PostFormAsync(path, fields.Append(new(name, second)))).Error.ShouldBe("invalid_request");
        using var inQuery = new HttpRequestMessage(HttpMethod.Post, $"{_server.Issuer}{path}?{name}=another") { Content = new FormUrlEncodedContent(fields) };
        (await TokenCalls.SendAsync(inQuery)).Error.ShouldBe("invalid_request");
    }

    [Theory]
    [InlineData("%00")]
    [InlineData("%C0%AF")]
    [InlineData("%ED%A0%80")]
    [InlineData("%F8%88%80%80%80")]
    [InlineData("%0d%0aSet-Cookie:%20a=b")]
    [InlineData("%zz")]
    [InlineData("%")]
    [InlineData("é")]
    [Assertion("AZ-25")]
    [Assertion("UI-21")]
    public async Task Bytes_that_are_no_text_split_no_header_and_no_log_line_Keycloak_47681(string bytes)
    {
        var before = _server.Log.Lines.Count;
        foreach (var name in (string[])["state", "client_id", "redirect_uri", "scope", "login_hint"])
        {
            var (status, text) = await _server.SendRawAsync($"{shared.Request(shared.Web).Set(name, null)}&{name}=x{bytes}x", "GET", $"User-Agent: agent{bytes}");
            status.ShouldBeLessThan(500);
            text.Split("\r\n\r\n")[0].ShouldNotContain("Set-Cookie: a=b");
        }
        foreach (var line in _server.Log.Lines.Skip(before)) line.Trim().ShouldNotContain('\r');
    }

    [Theory]
    [InlineData("/token", "scope")]
    [InlineData("/token", "code")]
    [InlineData("/token", "refresh_token")]
    [InlineData("/par", "scope")]
    [InlineData("/par", "login_hint")]
    [InlineData("/par", "state")]
    [InlineData("/revoke", "token")]
    [Assertion("AZ-21")]
    [Assertion("AZ-25")]
    public async Task A_parameter_without_end_is_refused_before_anything_is_made_of_it_CVE_2026_4634(string path, string name)
    {
        foreach (var value in (string[])[new string('x', 31_000), string.Join(' ', Enumerable.Range(0, 5000).Select(number => $"s{number}")), new string('x', 100_000)])
        {
            var fields = new Dictionary<string, string> { ["client_id"] = shared.Web.Id, ["grant_type"] = name == "code" ? "authorization_code" : "refresh_token", ["refresh_token"] = "pkr_x", [name] = value };
            // A client that waits for the server's word does not send what nobody will read.
            var answer = await _server.PostFormAsync(path, fields, request => request.Headers.ExpectContinue = true);
            ((int)answer.Status).ShouldBeLessThan(500);
            if (path != "/revoke") answer.Error.ShouldNotBeNull();
        }
        var many = Enumerable.Range(0, 5000).Select(number => new KeyValuePair<string, string>($"p{number}", ""));
        (await _server.PostFormAsync(path, many)).Error.ShouldBe("invalid_request");
    }

    [Fact]
    [Assertion("PR-05")]
    [Assertion("PR-07")]
    [Assertion("PR-12")]
    [Rfc("RFC 9126", "7.1")]
    public async Task A_pushed_request_belongs_to_its_client_and_shows_nothing_of_itself_CVE_2024_4540()
    {
        const string Hint = "somebody.private@example.com";
        var byReference = await _server.PushedAsync(shared.Web, shared.Request(shared.Web).Set("login_hint", Hint));
        using var person = _server.NewPerson();
        await (await person.GetOnceAsync(byReference.Set("client_id", shared.Native.Id).ToString())).ShouldBeErrorPageAsync();
        byReference.Set("client_id", shared.Web.Id);
        var page = await person.GetOnceAsync(byReference.ToString());
        ($"{page.Headers}" + page.RequestMessage!.RequestUri).ShouldNotContain("somebody");
        person.Cookies.GetAllCookies().ShouldAllBe(cookie => !cookie.Value.Contains("somebody", StringComparison.Ordinal));
        _server.Log.Lines.ShouldAllBe(line => !line.Contains(Hint, StringComparison.Ordinal));
        using var stranger = await shared.SignedInAsync();
        var answer = await stranger.GetAsync(byReference.Set("redirect_uri", "https://evil.example/").Set("scope", "openid offline_access").ToString());
        answer.Headers.Location?.OriginalString.ShouldNotContain("evil.example", Case.Sensitive);
    }
}
