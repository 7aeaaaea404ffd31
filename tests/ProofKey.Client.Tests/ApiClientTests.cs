using System.Net;

namespace ProofKey.Client.Tests;

/// <summary>The HTTP client of a session: where its token goes, and where not.</summary>
public sealed class ApiClientTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_token_goes_to_the_origin_that_it_is_for()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        using var api = session.CreateHttpClient(onlyFor: server.At("/api/"));

        (await api.GetStringAsync("me", Cancel)).ShouldBe($"Bearer {session.Stored.AccessToken}");
    }

    [Fact]
    [Assertion("CL-20")]
    [Assertion("CL-11")]
    [Rfc("RFC 9700", "4.9.1")]
    public async Task The_token_goes_to_no_other_origin()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));

        (await api.GetStringAsync(other.At("/api/me"), Cancel)).ShouldBeEmpty();
        // The same address under another name is another origin.
        (await api.GetStringAsync(new Uri(server.At("/api/me").AbsoluteUri.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)), Cancel)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    [Assertion("CL-11")]
    [Rfc("RFC 9700", "4.9.1")]
    public async Task A_redirect_elsewhere_is_followed_without_the_token(int status)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var headers = "";
        other.Instead["/stolen"] = context =>
        {
            headers = string.Join(", ", context.Request.Headers.Select(header => header.Key));
            return Task.CompletedTask;
        };
        server.Instead["/api/moved"] = context => DiscoveryTests.Redirect(context, status, other.At("/stolen"));
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));
        api.DefaultRequestHeaders.Add("X-Api-Key", "key");

        (await api.GetAsync("moved", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);

        headers.ShouldContain("Host");
        headers.ShouldNotContain("Authorization");
        headers.ShouldNotContain("X-Api-Key");
    }

    [Fact]
    public async Task A_redirect_within_the_origin_keeps_the_token()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/api/moved"] = context => DiscoveryTests.Redirect(context, 302, server.At("/api/me"));
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));

        (await api.GetStringAsync("moved", Cancel)).ShouldStartWith("Bearer ");
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task What_was_meant_for_another_origin_does_not_come_along_from_there()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var headers = "";
        server.Instead["/api/here"] = context =>
        {
            headers = string.Join(", ", context.Request.Headers.Select(header => header.Key));
            return Task.CompletedTask;
        };
        other.Instead["/there"] = context => DiscoveryTests.Redirect(context, 302, server.At("/api/here"));
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));
        using var request = new HttpRequestMessage(HttpMethod.Get, other.At("/there")) { Headers = { { "X-Api-Key", "of-the-other" }, { "Cookie", "of=the-other" }, { "User-Agent", "test" } } };

        (await api.SendAsync(request, Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);

        // It would choose what is asked with the token.
        headers.ShouldNotContain("Authorization");
        headers.ShouldContain("User-Agent");
        headers.ShouldNotContain("X-Api-Key");
        headers.ShouldNotContain("Cookie");
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task The_token_does_not_come_back_from_a_detour_over_another_origin()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/api/start"] = context => DiscoveryTests.Redirect(context, 302, other.At("/detour"));
        other.Instead["/detour"] = context => DiscoveryTests.Redirect(context, 302, server.At("/api/next"));
        server.Instead["/api/next"] = context => DiscoveryTests.Redirect(context, 302, server.At("/api/me"));
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));

        (await api.GetStringAsync("start", Cancel)).ShouldBeEmpty("nobody signed in for a request that the other origin chose");
        (await api.GetStringAsync("me", Cancel)).ShouldStartWith("Bearer ");
    }

    [Fact]
    public async Task A_redirect_within_another_origin_keeps_what_is_for_that_origin()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var (range, authorization) = ("", "none");
        other.Instead["/files/"] = context =>
        {
            (range, authorization) = (context.Request.Headers.Range.ToString(), context.Request.Headers.Authorization.ToString());
            return Task.CompletedTask;
        };
        other.Instead["/files"] = context => DiscoveryTests.Redirect(context, 301, other.At("/files/"));
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));
        using var request = new HttpRequestMessage(HttpMethod.Get, other.At("/files")) { Headers = { { "Range", "bytes=0-9" } } };

        await api.SendAsync(request, Cancel);

        (range, authorization).ShouldBe(("bytes=0-9", ""));
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task A_redirect_of_a_body_is_handed_to_the_caller()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/api/moved"] = context => DiscoveryTests.Redirect(context, 307, other.At("/stolen"));
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));
        using var content = new StringContent("body");

        (await api.PostAsync("moved", content, Cancel)).StatusCode.ShouldBe(HttpStatusCode.TemporaryRedirect);

        other.Paths.ShouldBeEmpty();
    }

    [Fact]
    public async Task Redirects_in_a_circle_come_to_an_end()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/api/circle"] = context => DiscoveryTests.Redirect(context, 302, server.At("/api/circle"));
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));

        (await api.GetAsync("circle", Cancel)).StatusCode.ShouldBe(HttpStatusCode.Found);
        server.Count("/api/circle").ShouldBe(11);
    }

    [Theory]
    [InlineData("http://api.example.com/")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("/relative")]
    [Assertion("CL-14")]
    [Assertion("CL-20")]
    public async Task A_token_needs_https_or_loopback(string address)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;

        Should.Throw<ArgumentException>(() => session.CreateHttpClient(onlyFor: new Uri(address, UriKind.RelativeOrAbsolute)));
    }

    [Fact]
    public async Task A_token_near_its_end_is_refreshed_before_the_call()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored.AccessToken;
        using var api = session.CreateHttpClient(onlyFor: server.At("/api/"));
        server.Time.Shift = TimeSpan.FromMinutes(9.5);

        (await api.GetStringAsync("me", Cancel)).ShouldBe($"Bearer {session.Stored.AccessToken}");
        session.Stored.AccessToken.ShouldNotBe(before);
    }

    [Fact]
    [Rfc("RFC 6750", "3.1")]
    public async Task A_token_that_the_API_does_not_take_is_replaced_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var revoked = session.Stored.AccessToken;
        server.Instead["/api/me"] = context =>
        {
            if (context.Request.Headers.Authorization != $"Bearer {revoked}") return ScriptedServer.JsonAsync(context, 200, "\"fine\"");
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            return ScriptedServer.JsonAsync(context, 401, "{}");
        };
        server.Time.Shift = TimeSpan.FromMinutes(1);
        using var api = session.CreateHttpClient(onlyFor: server.At("/api/"));

        (await api.GetStringAsync("me", Cancel)).ShouldBe("\"fine\"");
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    [Rfc("RFC 6750", "3.1")]
    public async Task An_API_that_takes_no_token_at_all_is_not_asked_for_ever()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/api/me"] = context =>
        {
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            return ScriptedServer.JsonAsync(context, 401, "{}");
        };
        server.Time.Shift = TimeSpan.FromMinutes(1);
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));

        (await api.GetAsync("me", Cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        server.Count("/api/me").ShouldBe(2);
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_header_set_by_hand_is_left_alone()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));
        api.DefaultRequestHeaders.Authorization = new("Basic", "abc");

        (await api.GetStringAsync("me", Cancel)).ShouldBe("Basic abc");
    }

    [Fact]
    public async Task The_handler_of_the_caller_outlives_the_clients_that_use_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        await using var client = new PublicClient(server.Options(browser) with { HttpMessageHandler = handler });
        var session = await client.GetSessionAsync(Cancel);

        for (var i = 0; i < 2; i++)
        {
            using var api = session.CreateHttpClient(onlyFor: server.At("/api/"));
            (await api.GetStringAsync("me", Cancel)).ShouldStartWith("Bearer ");
        }
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser));
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
