using System.Net;
using System.Text.Json;
using ProofKey.Cli;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Behind a proxy: only the one that the operator named is believed, and only for where a client comes from.</summary>
[Collection(Alone.Name)]
public sealed class ProxyTests
{
    private static readonly (string Name, string Value)[] Hostile =
    [
        ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", "1"), ("X-Forwarded-Prefix", "/evil"), ("Forwarded", "for=203.0.113.1;host=evil.example;proto=http"),
        ("X-Original-URL", "/evil"), ("X-Rewrite-URL", "/evil"), ("X-Original-Host", "evil.example"), ("X_Forwarded_Host", "evil.example"), ("Host", "evil.example"),
    ];

    /// <summary>The address that a failed sign-in is recorded under.</summary>
    private static async Task<string?> RecordedAddressAsync(RunningServer server, params (string Name, string Value)[] headers)
    {
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        var answer = await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", "wrong password")], headers);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        return (await server.Service<AuditTrail>().ListAsync(new AuditFilter { Kind = "sign-in-failed" }, null, CancellationToken.None)).Select(entry => entry.Address).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    [Assertion("MD-05")]
    public async Task Nobody_is_believed_unless_the_operator_named_them_whatever_the_environment_says()
    {
        const string variable = "ASPNETCORE_FORWARDEDHEADERS_ENABLED";
        Environment.SetEnvironmentVariable(variable, "true");
        try
        {
            await using var server = await RunningServer.StartAsync();
            (await RecordedAddressAsync(server, ("X-Forwarded-For", "203.0.113.9"), ("X-Real-IP", "203.0.113.9"), ("Forwarded", "for=203.0.113.9"))).ShouldBe("127.0.0.1");
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, null);
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.0/8", "203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.1 10.0.0.0/24", "198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9")]
    [InlineData("127.0.0.1", "2001:db8::1:2:3:4", "2001:db8::/64")]
    [InlineData("127.0.0.1", "not an address", "127.0.0.1")]
    [InlineData("10.0.0.5", "203.0.113.9", "127.0.0.1")]
    [Assertion("MD-05")]
    public async Task A_trusted_proxy_says_where_a_client_comes_from_and_what_the_client_claims_besides_counts_for_nothing(string trusted, string forwarded, string recorded)
    {
        await using var server = await RunningServer.StartAsync(serve: settings => settings with { TrustedProxies = [.. trusted.Split(' ').Select(Proxies.Parse)] });
        (await RecordedAddressAsync(server, [("X-Forwarded-For", forwarded)])).ShouldBe(recorded);
    }

    [Fact]
    [Assertion("UI-22")]
    public async Task Signing_out_is_recorded_with_the_whole_address()
    {
        await using var server = await RunningServer.StartAsync(serve: settings => settings with { TrustedProxies = [Proxies.Parse("127.0.0.1")] });
        using var person = await server.SignedInAsync();
        var form = await Person.FormOf(await person.GetAsync("/logout"));
        (await person.PostOnceAsync(form, [("everyone", "1")], ("X-Forwarded-For", "2001:db8::1:2:3:4"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.Service<AuditTrail>().ListAsync(new AuditFilter { Kind = "signed-out" }, null, CancellationToken.None)).ShouldHaveSingleItem().Address.ShouldBe("2001:db8::1:2:3:4");
    }

    [Fact]
    [Assertion("MD-05")]
    [Assertion("MD-06")]
    public async Task Not_even_a_trusted_proxy_changes_an_address_that_is_given_out()
    {
        await using var server = await RunningServer.StartAsync(serve: settings => settings with { TrustedProxies = [Proxies.Parse("127.0.0.1")] });
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client);
        async Task<string> AllAsync(params (string Name, string Value)[] headers)
        {
            var metadata = await person.GetOnceAsync("/.well-known/openid-configuration", headers);
            var authorize = await person.GetOnceAsync(request.ToString(), headers);
            var signIn = await person.GetOnceAsync(Browsing.WithParameter(authorize.Headers.Location!.OriginalString, "step", null), headers);
            var token = await person.SendAsync(HttpMethod.Post, "/token", [new("grant_type", "refresh_token")], headers);
            authorize.Headers.Location!.OriginalString.ShouldStartWith("/signin?");
            var text = string.Join('\n', await metadata.Content.ReadAsStringAsync(), authorize.StatusCode, signIn.StatusCode, (await Person.FormOf(signIn)).Action.Split("step=")[0], token.StatusCode, await token.Content.ReadAsStringAsync());
            text.ShouldNotContain("evil");
            return text;
        }

        var clean = await AllAsync();
        clean.ShouldContain(server.Issuer);
        foreach (var header in Hostile) (await AllAsync(header)).ShouldBe(clean, header.Name);
        (await AllAsync()).ShouldBe(clean, "and nothing stays behind");
    }

    [Theory]
    [InlineData("")]
    [InlineData("/auth")]
    [Assertion("MD-05")]
    public async Task An_issuer_with_a_path_is_served_whether_a_proxy_keeps_the_path_or_takes_it_off(string kept)
    {
        await using var server = await RunningServer.StartAsync(issuerPath: "/auth");
        var root = new Uri(new Uri(server.Issuer), "/");
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = root };
        var client = await server.AddClientAsync();
        foreach (var path in (string[])[kept + "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/auth"])
        {
            var metadata = JsonDocument.Parse(await http.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken)).RootElement;
            metadata.GetProperty("issuer").GetString().ShouldBe(server.Issuer);
            metadata.GetProperty("token_endpoint").GetString().ShouldBe(server.Issuer + "/token");
        }
        (await http.GetAsync(new Uri(kept + "/jwks", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var sent = await http.GetAsync(new Uri(kept + new AuthorizeUrl(server, client).ToString()["/auth".Length..], UriKind.Relative), TestContext.Current.CancellationToken);
        sent.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        sent.Headers.Location!.OriginalString.ShouldStartWith("/auth/signin?", customMessage: "the public path, whatever the proxy did");
        (await http.GetAsync(new Uri(kept + "/healthz", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await http.GetAsync(new Uri(kept + "/nothing", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    [Assertion("MD-09")]
    public async Task Every_answer_of_an_https_issuer_asks_for_https_for_a_year()
    {
        await using var server = await RunningServer.StartAsync(serve: settings => settings with { Issuer = "https://login.example.com" });
        var root = server.Settings.Urls[0];
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(root) };
        foreach (var path in (string[])["/.well-known/openid-configuration", "/jwks", "/authorize", "/signin", "/consent", "/userinfo"])
            (await http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken)).Header("Strict-Transport-Security").ShouldBe("max-age=31536000", path);
        foreach (var path in (string[])["/token", "/revoke"])
            (await http.PostAsync(new Uri(path, UriKind.Relative), null, TestContext.Current.CancellationToken)).Header("Strict-Transport-Security").ShouldBe("max-age=31536000", path);
    }

    [Theory]
    [InlineData("0.0.0.0/0"), InlineData("::/0"), InlineData("proxy.example"), InlineData("10.0.0.0/33"), InlineData("")]
    public void Everybody_is_no_proxy_and_neither_is_a_name(string text) => Should.Throw<CommandException>(() => Proxies.Parse(text)).ExitCode.ShouldBe(2);
}
