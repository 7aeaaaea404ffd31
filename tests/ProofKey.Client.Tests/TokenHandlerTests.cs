using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Threading.Channels;

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

    [Theory]
    [InlineData("Bearer error=\"invalid_token\"", true)]
    [InlineData("Bearer", true)]
    [InlineData("Bearer realm=\"orders\"", true)]
    [InlineData("Basic realm=\"orders\", Bearer realm=\"orders\"", true)]
    [InlineData(null, true)]
    [InlineData("Basic realm=\"orders\"", false)]
    [InlineData("Bearer error=\"invalid_request\"", false)]
    [InlineData("Bearer error=\"insufficient_scope\"", false)]
    [Rfc("RFC 6750", "3.1")]
    public async Task A_refusal_that_may_be_about_the_token_is_answered_with_another_once(string? challenge, bool replaces)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/api/me"] = context =>
        {
            if (challenge is not null) context.Response.Headers.WWWAuthenticate = challenge;
            return ScriptedServer.JsonAsync(context, 401, "{}");
        };
        server.Time.Shift = TimeSpan.FromMinutes(1);
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));

        for (var call = 0; call < 3; call++) (await api.GetAsync("me", Cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        server.TokenRequests.Count.ShouldBe(replaces ? 2 : 1);
        server.Count("/api/me").ShouldBe(replaces ? 4 : 3);
    }

    [Theory]
    [InlineData("text", true)]
    [InlineData("form", true)]
    [InlineData("JSON", true)]
    [InlineData("JSON that is read but once", true)]
    [InlineData("stream", false)]
    [Rfc("RFC 9110", "15.5.2")]
    public async Task A_body_that_is_in_memory_is_sent_again_with_the_other_token(string kind, bool repeats)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var came = new List<string>();
        server.Instead["/api/orders"] = async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            came.Add(await reader.ReadToEndAsync(Cancel));
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            await ScriptedServer.JsonAsync(context, came.Count == 1 ? 401 : 201, "{}");
        };
        server.Time.Shift = TimeSpan.FromMinutes(1);
        using var api = (await client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: server.At("/api/"));
        using var content = BodyOf(kind);

        using var answer = await api.PostAsync("orders", content, Cancel);

        answer.StatusCode.ShouldBe(repeats ? HttpStatusCode.Created : HttpStatusCode.Unauthorized);
        came.Count.ShouldBe(repeats ? 2 : 1);
        came.ShouldAllBe(text => text.Contains("body", StringComparison.Ordinal));
    }

    private static HttpContent BodyOf(string kind) => kind switch
    {
        "text" => new StringContent("body"),
        "form" => new FormUrlEncodedContent([new("a", "body")]),
        "JSON" => JsonContent.Create("body"),
        "stream" => new StreamContent(new MemoryStream("body"u8.ToArray())),
        _ => JsonContent.Create(Once("body")),
    };

    private static IAsyncEnumerable<string> Once(string text)
    {
        var channel = Channel.CreateUnbounded<string>();
        channel.Writer.TryWrite(text);
        channel.Writer.Complete();
        return channel.Reader.ReadAllAsync(Cancel);
    }

    [Fact]
    public async Task What_the_program_knows_of_a_request_goes_with_each_copy_of_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/api/moved"] = context => DiscoveryTests.Redirect(context, 302, server.At("/api/me"));
        var key = new HttpRequestOptionsKey<string>("of the program");
        using var seen = new Seen(key) { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false } };
        using var api = new HttpClient(new TokenHandler((await client.FindSessionAsync(Cancel))!, server.At("/api/"), seen));
        using var request = new HttpRequestMessage(HttpMethod.Get, server.At("/api/moved"));
        request.Options.Set(key, "known");

        await api.SendAsync(request, Cancel);

        seen.Values.ShouldBe(["known", "known"]);
    }

    [Fact]
    [Rfc("RFC 8707", "2")]
    public async Task An_API_that_the_sign_in_is_not_for_has_no_handler()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        using var inner = new SocketsHttpHandler { AllowAutoRedirect = false };

        Should.Throw<ArgumentException>(() => new TokenHandler(session, server.At("/api/"), "https://other.example/", inner)).ParamName.ShouldBe("resource");
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

    [Theory]
    [InlineData("/api/me")]
    [InlineData("https://elsewhere.example/")]
    public async Task A_connection_that_ends_while_it_is_made_is_an_HTTP_failure_like_any_other(string address)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        using var api = new HttpClient(new TokenHandler((await client.FindSessionAsync(Cancel))!, server.At("/api/"), new Broken()));

        var failed = await Should.ThrowAsync<HttpRequestException>(() => api.GetAsync(new Uri(server.At("/"), address), Cancel));

        failed.HttpRequestError.ShouldBe(HttpRequestError.ConnectionError);
        failed.InnerException.ShouldBeOfType<SocketException>();
    }

    /// <summary>Does what the platform does with a connection whose other end is gone when it asks for its address.</summary>
    private sealed class Broken : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => throw new SocketException((int)SocketError.NotConnected);
    }

    private sealed class Seen(HttpRequestOptionsKey<string> key) : DelegatingHandler
    {
        public List<string> Values { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Values.Add(request.Options.TryGetValue(key, out var value) ? value : "nothing");
            return base.SendAsync(request, cancellationToken);
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
