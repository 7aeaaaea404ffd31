using System.Net;

namespace ProofKey.Client.Tests;

/// <summary>The handler itself: what it is made of, and how often it asks for another token.</summary>
public sealed class TokenHandlerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-20")]
    public async Task A_synchronous_call_does_not_go_out_without_the_token()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "me");

        Should.Throw<NotSupportedException>(() => api.Send(request, Cancel)).Message.ShouldContain("SendAsync");

        server.Count("/api/me").ShouldBe(0);
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task What_follows_redirects_itself_is_no_part_of_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        using var follows = new SocketsHttpHandler();
        using var wraps = new TokenHandler(session, server.At("/api/"), new SocketsHttpHandler { AllowAutoRedirect = false });

        Should.Throw<ArgumentException>(() => new TokenHandler(session, server.At("/api/"), follows)).ParamName.ShouldBe("inner");

        using var api = new HttpClient(wraps, disposeHandler: false);
        (await api.GetStringAsync(server.At("/api/me"), Cancel)).ShouldStartWith("Bearer ");
    }

    [Fact]
    [Rfc("RFC 6750", "3.1")]
    public async Task An_API_that_takes_no_token_costs_no_renewal_for_each_call()
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

        for (var call = 0; call < 5; call++) (await api.GetAsync("me", Cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        server.TokenRequests.Count.ShouldBe(2, "the sign-in, and one renewal");

        server.Time.Shift = TimeSpan.FromMinutes(2);
        await api.GetAsync("me", Cancel);
        server.TokenRequests.Count.ShouldBe(3);
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_message_that_is_sent_again_goes_out_with_the_token_of_that_moment()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        // A handler that retries sends the caller's own message, which an HttpClient would refuse to send twice.
        using var retrying = new HttpMessageInvoker(new TokenHandler(session, server.At("/api/"), new SocketsHttpHandler { AllowAutoRedirect = false }));
        using var message = new HttpRequestMessage(HttpMethod.Get, server.At("/api/me"));
        using var first = await retrying.SendAsync(message, Cancel);
        server.Time.Shift = TimeSpan.FromMinutes(11);

        using var second = await retrying.SendAsync(message, Cancel);

        (await second.Content.ReadAsStringAsync(Cancel)).ShouldBe($"Bearer {session.Stored.AccessToken}");
        (await second.Content.ReadAsStringAsync(Cancel)).ShouldNotBe(await first.Content.ReadAsStringAsync(Cancel));
        message.Headers.Authorization.ShouldBeNull();
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
