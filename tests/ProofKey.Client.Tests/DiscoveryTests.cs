using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Client.Tests;

public sealed class DiscoveryTests
{
    private const string OpenIdForm = "/.well-known/openid-configuration";
    private const string OAuthForm = "/.well-known/oauth-authorization-server";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("openid", OpenIdForm, OAuthForm)]
    [InlineData("orders.read", OAuthForm, OpenIdForm)]
    [Rfc("RFC 8414", "3.1")]
    public async Task Both_forms_of_the_address_are_tried(string scope, string first, string second)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[first] = context => ScriptedServer.JsonAsync(context, 200, "<html></html>", "text/html");
        await using var client = new PublicClient(server.Options() with { Scope = Scope.Parse(scope) });

        await using var pending = await client.BeginAsync(Cancel);

        server.Paths.ShouldBe([first, second]);
    }

    [Fact]
    public async Task A_server_without_metadata_is_reported_with_both_addresses()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[OpenIdForm] = server.Instead[OAuthForm] = NotFound;
        await using var client = new PublicClient(server.Options());

        var problem = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.BeginAsync(Cancel));

        problem.Code.ShouldBe("no_metadata");
        problem.Retryable.ShouldBeFalse();
        problem.Expected.ShouldContain(OpenIdForm);
        problem.Expected.ShouldContain(OAuthForm);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable()
    {
        var server = await ScriptedServer.StartAsync();
        var options = server.Options();
        await server.DisposeAsync();
        await using var client = new PublicClient(options);

        var problem = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.GetSessionAsync(Cancel));

        problem.Code.ShouldBe("no_connection");
        problem.Retryable.ShouldBeTrue();
        problem.Message.ShouldNotContain("kept");
    }

    [Theory]
    [InlineData("{0}/")]
    [InlineData("{0}/tenant")]
    [InlineData("HTTP{1}")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("https{1}")]
    [InlineData("http://evil.example")]
    [InlineData("https://login.microsoftonline.com/{{tenantid}}/v2.0")]
    [Assertion("MD-11")]
    [Rfc("RFC 8414", "3.3")]
    [Rfc("OpenID Connect Discovery", "4.3")]
    public async Task An_issuer_that_differs_by_a_character_is_refused_before_any_use(string pattern)
    {
        await using var server = await ScriptedServer.StartAsync();
        var other = string.Format(System.Globalization.CultureInfo.InvariantCulture, pattern, server.Issuer.Value, server.Issuer.Value["http".Length..]);
        server.SpoilMetadata = metadata => metadata["issuer"] = other;
        await using var client = new PublicClient(server.Options());

        var problem = await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel));

        problem.Code.ShouldBe("metadata_issuer");
        problem.Message.ShouldContain(server.Issuer.Value);
        problem.Message.ShouldContain(other);
        server.Paths.ShouldBe([OpenIdForm]);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    [Assertion("MD-11")]
    [Assertion("CL-11")]
    public async Task Metadata_from_a_redirect_is_refused(int status)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[OpenIdForm] = context => Redirect(context, status, server.At("/signin"));
        server.Instead[OAuthForm] = context => Redirect(context, status, server.At("/signin"));
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("redirect");
        server.Paths.ShouldBe([OpenIdForm, OAuthForm]);
    }

    [Fact]
    [Assertion("MD-12")]
    public async Task Five_megabytes_of_metadata_are_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["padding"] = new string('x', 5_000_000);
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("too_large");
    }

    [Fact]
    [Assertion("MD-12")]
    public async Task A_compressed_answer_is_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[OpenIdForm] = async context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.Headers.ContentEncoding = "gzip";
            await using var gzip = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
            await gzip.WriteAsync(new byte[1_000_000]);
        };
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("too_large");
    }

    [Fact]
    [Assertion("MD-12")]
    public async Task Deep_nesting_is_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[OpenIdForm] = context => ScriptedServer.JsonAsync(context, 200, $$"""{"issuer":"{{server.Issuer}}","deep":{{new string('[', 1000)}}{{new string(']', 1000)}}}""");
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("malformed_json");
    }

    [Fact]
    [Assertion("MD-12")]
    [Rfc("RFC 8259", "4")]
    public async Task A_member_that_comes_twice_is_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[OpenIdForm] = context => ScriptedServer.JsonAsync(context, 200, $$"""{"issuer":"{{server.Issuer}}","other":1,"other":2}""");
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("malformed_json");
    }

    [Fact]
    [Assertion("MD-13")]
    public async Task Signed_metadata_is_left_alone_and_nothing_of_it_is_mixed_in()
    {
        var claims = Base64UrlText.Encode("""{"authorization_endpoint":"https://evil.example/authorize","token_endpoint":"https://evil.example/token"}"""u8);
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["signed_metadata"] = $"eyJhbGciOiJub25lIn0.{claims}.";
        await using var client = new PublicClient(server.Options());

        await using var pending = await client.BeginAsync(Cancel);

        pending.AuthorizeUri.GetLeftPart(UriPartial.Authority).ShouldBe(server.Issuer.Value);
    }

    [Theory]
    [InlineData("issuer", "17")]
    [InlineData("authorization_endpoint", "[]")]
    [InlineData("code_challenge_methods_supported", "\"S256\"")]
    [Assertion("MD-12")]
    public async Task A_member_of_the_wrong_type_is_refused(string name, string json)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata[name] = JsonNode.Parse(json);
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("malformed_metadata");
    }

    [Fact]
    [Assertion("MD-12")]
    public async Task A_slow_drip_ends_with_the_time_limit()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[OpenIdForm] = async context =>
        {
            context.Response.ContentType = "application/json";
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(" ", context.RequestAborted);
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, context.RequestAborted);
            }
        };
        await using var client = new PublicClient(server.Options() with { RequestTimeout = TimeSpan.FromMilliseconds(300) });

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("timeout");
    }

    [Fact]
    [Assertion("MD-12")]
    public async Task The_last_good_metadata_outlives_an_outage()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await (await client.BeginAsync(Cancel)).DisposeAsync();
        server.Time.Shift = TimeSpan.FromHours(2);
        server.Instead[OpenIdForm] = context => ScriptedServer.JsonAsync(context, 503, "{}");

        await using var pending = await client.BeginAsync(Cancel);

        server.Paths.ShouldBe([OpenIdForm, OpenIdForm]);
        pending.AuthorizeUri.AbsolutePath.ShouldBe("/authorize");
    }

    [Fact]
    [Assertion("MD-12")]
    public async Task The_last_good_metadata_does_not_outlive_a_change_for_the_worse()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await (await client.BeginAsync(Cancel)).DisposeAsync();
        server.Time.Shift = TimeSpan.FromHours(2);
        server.SpoilMetadata = metadata => metadata["code_challenge_methods_supported"] = new JsonArray("plain");

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("pkce_without_s256");
    }

    [Theory]
    [InlineData("[\"plain\"]", false)]
    [InlineData("[\"plain\"]", true)]
    [InlineData("[\"s256\"]", true)]
    [InlineData("[]", true)]
    [Assertion("PK-22")]
    [Rfc("RFC 9700", "2.1.1")]
    public async Task A_server_that_lists_other_methods_than_S256_is_refused(string methods, bool acceptUnadvertised)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["code_challenge_methods_supported"] = JsonNode.Parse(methods);
        await using var client = new PublicClient(server.Options() with { AcceptUnadvertisedPkce = acceptUnadvertised });

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("pkce_without_s256");
    }

    [Fact]
    [Assertion("PK-22")]
    [Rfc("RFC 9700", "2.1.1")]
    public async Task A_server_that_says_nothing_of_PKCE_is_refused_unless_the_caller_knows_better()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata.Remove("code_challenge_methods_supported");
        using var browser = new TestBrowser();
        await using var strict = new PublicClient(server.Options());
        await using var knowing = new PublicClient(server.Options(browser) with { AcceptUnadvertisedPkce = true });

        var problem = await Should.ThrowAsync<ProtocolViolationException>(() => strict.BeginAsync(Cancel));
        problem.Code.ShouldBe("pkce_not_advertised");
        problem.Remedy.ShouldContain("AcceptUnadvertisedPkce");

        await knowing.GetSessionAsync(Cancel);
        server.AuthorizeRequests.Single()["code_challenge_method"].ShouldBe("S256");
    }

    [Fact]
    [Assertion("PK-22")]
    public async Task A_server_that_refuses_S256_gets_no_second_request()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.AuthorizeError = "invalid_request";
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Error!.Code.ShouldBe("invalid_request");
        server.AuthorizeRequests.Count.ShouldBe(1);
        server.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("authorization_endpoint", "file:///etc/passwd")]
    [InlineData("authorization_endpoint", "calc:")]
    [InlineData("authorization_endpoint", "http://x/$(id)")]
    [InlineData("authorization_endpoint", "-flag")]
    [InlineData("authorization_endpoint", "javascript:alert(1)")]
    [InlineData("authorization_endpoint", "/authorize")]
    [InlineData("authorization_endpoint", "https://user:pass@example.com/")]
    [InlineData("authorization_endpoint", "https://example.com/#fragment")]
    [InlineData("token_endpoint", "http://example.com/token")]
    [InlineData("jwks_uri", "file:///jwks.json")]
    [InlineData("userinfo_endpoint", "ftp://127.0.0.1/")]
    [InlineData("revocation_endpoint", "http://169.254.169.254/")]
    [Assertion("CL-06")]
    [Assertion("CL-14")]
    public async Task An_endpoint_is_https_or_loopback_and_nothing_else(string name, string address)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata[name] = address;
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("endpoint_address");
    }

    [Theory]
    [InlineData("authorization_endpoint")]
    [InlineData("token_endpoint")]
    [InlineData("jwks_uri")]
    public async Task An_endpoint_that_is_needed_must_be_there(string name)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata.Remove(name);
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("endpoint_missing");
    }

    [Fact]
    [Assertion("CL-06")]
    public async Task The_browser_gets_the_address_in_its_parsed_form()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["authorization_endpoint"] = "https://example.com/a b\"c'$(id)`x`&|;<>";
        Uri? opened = null;
        await using var client = new PublicClient(server.Options() with { OpenBrowser = (address, _) => ValueTask.FromResult((opened = address) is not null) });
        await using var pending = await client.BeginAsync(Cancel);

        await pending.OpenBrowserAsync(Cancel);

        opened!.AbsoluteUri.ShouldStartWith("https://example.com/a%20b%22c%27%24%28id%29%60x%60%26%7C%3B%3C%3E?");
    }

    [Fact]
    [Rfc("RFC 6749", "3.1")]
    public async Task The_query_of_the_authorization_endpoint_is_kept()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["authorization_endpoint"] = server.Issuer.Endpoint("/authorize?tenant=7");
        await using var client = new PublicClient(server.Options());

        await using var pending = await client.BeginAsync(Cancel);

        SignInTests.Query(pending.AuthorizeUri)["tenant"].ShouldBe("7");
        SignInTests.Query(pending.AuthorizeUri)["client_id"].ShouldBe(ScriptedServer.ClientId);
    }

    [Fact]
    [Assertion("CL-06")]
    public async Task The_query_of_the_authorization_endpoint_cannot_bring_our_own_parameters()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["authorization_endpoint"] = server.Issuer.Endpoint("/authorize?redirect_uri=http://evil.example/");
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("endpoint_address");
    }

    [Theory]
    [InlineData(503)]
    [InlineData(429)]
    public async Task A_server_that_is_busy_says_when_to_come_again(int status)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[OpenIdForm] = context =>
        {
            context.Response.Headers.RetryAfter = "7";
            return ScriptedServer.JsonAsync(context, status, "{}");
        };
        await using var client = new PublicClient(server.Options());

        var problem = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.BeginAsync(Cancel));

        problem.RetryAfter.ShouldBe(TimeSpan.FromSeconds(7));
        problem.Retryable.ShouldBeTrue();
    }

    [Fact]
    public async Task Form_post_is_asked_for_only_where_the_server_offers_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["response_modes_supported"] = new JsonArray("query");
        await using var client = new PublicClient(server.Options() with { ResponseMode = ResponseMode.FormPost });

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("response_mode");
    }

    [Fact]
    [Assertion("CL-14")]
    [Rfc("RFC 6749", "10.9")]
    public async Task A_certificate_that_nobody_vouches_for_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await using var server = await ScriptedServer.StartAsync(certificate);
        await using var client = new PublicClient(server.Options());

        var problem = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.BeginAsync(Cancel));

        problem.Code.ShouldBe("tls");
        problem.Retryable.ShouldBeFalse();
        problem.Remedy.ShouldContain("certificate");
        server.Paths.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.2", false)]
    [Assertion("CL-14")]
    [Rfc("RFC 6749", "10.9")]
    public async Task A_certificate_of_another_host_is_refused_whoever_vouches_for_it(string host, bool isGood)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest("CN=a test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(host));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await using var server = await ScriptedServer.StartAsync(certificate);
        using var trusting = Backchannel.NewHandler();
        trusting.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trusting.SslOptions.CertificateChainPolicy.CustomTrustStore.Add(certificate);
        await using var client = new PublicClient(server.Options() with { HttpMessageHandler = trusting });

        if (isGood) await (await client.BeginAsync(Cancel)).DisposeAsync();
        else (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("tls");
    }

    [Fact]
    public void No_proxy_carries_what_is_meant_for_this_machine()
    {
        var proxy = new DirectToLoopback(new WebProxy("http://proxy.example:3128"));

        foreach (var address in (string[])["http://127.0.0.1:8080/token", "http://[::1]:8080/token", "http://localhost/token"])
        {
            proxy.IsBypassed(new Uri(address)).ShouldBeTrue();
            proxy.GetProxy(new Uri(address)).ShouldBeNull();
        }
        proxy.IsBypassed(new Uri("https://login.example.com/")).ShouldBeFalse();
        proxy.GetProxy(new Uri("https://login.example.com/")).ShouldBe(new Uri("http://proxy.example:3128"));
        Backchannel.NewHandler().Proxy.ShouldBeOfType<DirectToLoopback>();
    }

    internal static Task Redirect(HttpContext context, int status, Uri target)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = target.AbsoluteUri;
        return Task.CompletedTask;
    }

    private static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = (int)HttpStatusCode.NotFound;
        return Task.CompletedTask;
    }
}
