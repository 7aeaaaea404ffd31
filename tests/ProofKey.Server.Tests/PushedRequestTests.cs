using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a client may push, and what it is told at once.</summary>
public sealed class PushedRequestTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    [Assertion("PR-01")]
    [Rfc("RFC 9126", "2.2")]
    public async Task A_public_client_pushes_with_its_id_alone_and_gets_a_reference()
    {
        var pushed = await _server.PushAsync(shared.Request());
        pushed.Status.ShouldBe(HttpStatusCode.Created);
        pushed.Response.Content.Headers.ContentType!.ToString().ShouldBe("application/json");
        pushed.Response.Header("Cache-Control").ShouldBe("no-store");
        pushed.Body.EnumerateObject().Select(member => member.Name).ShouldBe(["request_uri", "expires_in"]);
        pushed.Text("request_uri").ShouldStartWith("urn:ietf:params:oauth:request_uri:");
        pushed.Body.GetProperty("expires_in").GetInt64().ShouldBe(60);
    }

    [Fact]
    [Assertion("PR-05")]
    [Rfc("RFC 9126", "7.1")]
    public async Task References_hold_256_random_bits()
    {
        var references = new List<string>();
        var request = shared.Request();
        for (var i = 0; i < 5; i++) references.Add((await _server.PushAsync(request)).Text("request_uri")["urn:ietf:params:oauth:request_uri:".Length..]);
        references.ShouldBeUnique();
        references.ShouldAllBe(reference => reference.Length == 43);
        foreach (var (one, next) in references.Zip(references.Skip(1))) Encoding.ASCII.GetBytes(one).AsSpan().CommonPrefixLength(Encoding.ASCII.GetBytes(next)).ShouldBeLessThan(5);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [Assertion("PR-02")]
    [Rfc("RFC 9126", "2.3")]
    public async Task Only_POST_is_answered(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), _server.Issuer + "/par");
        (await TokenCalls.SendAsync(request)).Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    [Assertion("PR-02")]
    [Rfc("RFC 9126", "2.3")]
    public async Task A_body_beyond_32_KiB_is_refused()
    {
        var refused = await _server.PushAsync(shared.Request().Set("x", new string('x', 33_000)));
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.RequestEntityTooLarge, "invalid_request"));
    }

    [Theory]
    [InlineData("state", 'x', 8200)]
    [InlineData("state", '+', 2800)]
    [InlineData("unknown", 'x', 8200)]
    [Assertion("PR-02")]
    [Rfc("RFC 9126", "2.3")]
    public async Task What_would_take_more_than_8_KiB_to_keep_is_refused_and_leaves_no_row(string name, char character, int length)
    {
        await using var server = await RunningServer.StartAsync();
        var request = new AuthorizeUrl(server, await server.AddClientAsync());
        var refused = await server.PushAsync(request.Set(name, new string(character, length)));
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
        refused.Text("error_description").ShouldContain("8 KiB");
        (await server.Service<Database>().FindAsync($"select id from pushed_request", reader => reader.GetFieldValue<byte[]>(0), CancellationToken.None)).ShouldBeNull();
        (await server.PushAsync(request.Set(name, new string(character, length * 9 / 10)))).Status.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    [Assertion("PR-02")]
    [Rfc("RFC 9126", "2.3")]
    public async Task Who_pushes_without_end_has_to_wait()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RequestsPerMinute = 60);
        var request = new AuthorizeUrl(server, await server.AddClientAsync());
        for (var i = 0; i < 60; i++) (await server.PushAsync(request)).Status.ShouldBe(HttpStatusCode.Created);
        var refused = await server.PushAsync(request);
        refused.Status.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Response.Header("Retry-After").ShouldNotBeNull();
    }

    [Theory]
    [InlineData(512, 1200)]
    [InlineData(2048, 172)]
    [InlineData(8192, 39)]
    [Assertion("PR-02")]
    public void One_network_keeps_fewer_of_the_long_ones(int length, int most)
    {
        var time = new ManualTime { RunsTimers = false };
        using var limits = new RateLimits(new ServerOptions(), time);
        var (context, kept) = (new DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Parse("203.0.113.9") } }, 0);
        for (var minute = 0; minute < 60; minute++, time.Advance(TimeSpan.FromMinutes(1)))
        {
            for (; limits.WaitFor(context, Limit.Requests) is null; kept++) limits.CountKept(context, length);
        }
        kept.ShouldBe(60 * most);
        ((long)kept * length).ShouldBeLessThan(38_000_000, "an hour's rows of one network");
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    [Assertion("PR-02")]
    [Rfc("RFC 6585", "4")]
    public async Task Who_pushes_or_posts_long_requests_has_to_wait_sooner(bool pushes)
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RequestsPerMinute = 60);
        var request = new AuthorizeUrl(server, await server.AddClientAsync()).Set("unknown", new string('x', 7_400));
        using var person = server.NewPerson();
        async Task<HttpResponseMessage> SendAsync() => pushes ? (await server.PushAsync(request)).Response : await person.SendAsync(HttpMethod.Post, request.Path, request.Parameters);
        for (var i = 0; i < 2; i++) (await SendAsync()).StatusCode.ShouldBe(pushes ? HttpStatusCode.Created : HttpStatusCode.SeeOther);
        var refused = await SendAsync();
        (refused.StatusCode, refused.Header("Retry-After")).ShouldBe((HttpStatusCode.TooManyRequests, "60"));
        server.Time.Advance(TimeSpan.FromMinutes(1));
        (await SendAsync()).StatusCode.ShouldBe(pushes ? HttpStatusCode.Created : HttpStatusCode.SeeOther);
    }

    [Theory]
    [InlineData("urn:ietf:params:oauth:request_uri:abc")]
    [InlineData("https://evil.example/request.jwt")]
    [Assertion("PR-03")]
    [Rfc("RFC 9126", "2.1")]
    public async Task A_reference_inside_a_pushed_request_is_refused(string reference)
    {
        var refused = await _server.PushAsync(shared.Request().Set("request_uri", reference));
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
    }

    public static TheoryData<string, string?, string> Wrong => new()
    {
        { "redirect_uri", "https://evil.example/cb", "invalid_request" },
        { "redirect_uri", "http://127.0.0.1/other", "invalid_request" },
        { "redirect_uri", null, "invalid_request" },
        { "code_challenge", null, "invalid_request" },
        { "code_challenge", "short", "invalid_request" },
        { "code_challenge_method", "plain", "invalid_request" },
        { "code_challenge_method", null, "invalid_request" },
        { "response_type", "token", "unsupported_response_type" },
        { "response_mode", "web_message", "invalid_request" },
        { "scope", "openid admin", "invalid_scope" },
        { "resource", "https://other.example/", "invalid_target" },
        { "prompt", "none login", "invalid_request" },
        { "request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    [Assertion("PR-04")]
    [Assertion("PK-16")]
    [Assertion("RU-13")]
    [Rfc("RFC 9126", "2.1")]
    public async Task What_the_authorization_endpoint_would_refuse_is_refused_at_once(string name, string? value, string error)
    {
        var refused = await _server.PushAsync(shared.Request().Set(name, value));
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, error));
        refused.Response.Header("Cache-Control").ShouldBe("no-store");
        refused.Response.Headers.Location.ShouldBeNull();
    }

    [Theory]
    [InlineData("client_id")]
    [InlineData("redirect_uri")]
    [InlineData("state")]
    [InlineData("code_challenge")]
    [InlineData("scope")]
    [Assertion("PR-04")]
    public async Task A_parameter_that_comes_twice_is_refused(string name)
    {
        var request = shared.Request();
        var refused = await _server.PushAsync(request.Repeat(name, request.Parameters.Single(parameter => parameter.Key == name).Value));
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
    }

    [Fact]
    [Assertion("PR-04")]
    [Rfc("RFC 9126", "2.1")]
    public async Task Who_is_unknown_or_does_not_prove_itself_is_refused()
    {
        var added = await _server.Registry.AddClientAsync(new ClientRegistration { Name = "Confidential", IsPublic = false, RedirectUris = [OneServer.WebUri] });
        (await _server.PushAsync(shared.Request().Set("client_id", null))).Error.ShouldBe("invalid_request");
        foreach (var refused in (JsonAnswer[])
            [
                await _server.PushAsync(shared.Request().Set("client_id", "nobody")),
                await _server.PushAsync(shared.Request(added.Client)),
                await _server.PushAsync(shared.Request(added.Client).Set("client_secret", "wrong")),
                await _server.PushAsync(shared.Request().Set("client_secret", "made up")),
            ])
            (refused.Status, refused.Error).ShouldBe((HttpStatusCode.Unauthorized, "invalid_client"));
    }

    [Fact]
    [Assertion("PR-01")]
    [Rfc("RFC 9126", "2.1")]
    public async Task A_confidential_client_proves_itself_and_its_secret_is_not_a_part_of_the_request()
    {
        var added = await _server.Registry.AddClientAsync(new ClientRegistration { Name = "Confidential", IsPublic = false, RedirectUris = [OneServer.WebUri] });
        var inBody = await _server.PushAsync(shared.Request(added.Client).Set("client_secret", added.Secret).Set("step", "x"));
        var byHeader = await _server.PushAsync(shared.Request(added.Client).Set("client_id", null), request =>
            request.Headers.TryAddWithoutValidation("Authorization", "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"{added.Client.Id}:{added.Secret}"))).ShouldBeTrue());
        foreach (var pushed in (JsonAnswer[])[inBody, byHeader])
        {
            pushed.Status.ShouldBe(HttpStatusCode.Created, pushed.Body.ToString());
            var stored = await _server.Service<PushedRequestStore>().FindAsync(pushed.Text("request_uri"), added.Client.Id, CancellationToken.None);
            stored!.Parameters["client_id"].ShouldBe(added.Client.Id);
            stored.Parameters.Pairs.Select(pair => pair.Key).ShouldNotContain("client_secret");
            stored.Parameters.Pairs.Select(pair => pair.Key).ShouldNotContain("step");
        }
    }

    [Fact]
    [Assertion("PR-01")]
    public async Task A_page_of_a_registered_origin_may_push_and_no_other()
    {
        var client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { Origins = ["https://app.example"] });
        async Task<string?> AllowedAsync(string origin) =>
            (await _server.PushAsync(shared.Request(client), request => request.Headers.TryAddWithoutValidation("Origin", origin))).Response.Header("Access-Control-Allow-Origin");
        (await AllowedAsync("https://app.example")).ShouldBe("https://app.example");
        (await AllowedAsync("https://evil.example")).ShouldBeNull();
    }

    [Fact]
    [Assertion("PR-12")]
    public async Task The_table_alone_shows_and_forges_no_request()
    {
        var request = shared.Request().Set("login_hint", "alice@hint.example");
        var reference = (await _server.PushAsync(request)).Text("request_uri");
        var id = PushedRequest.IdOf(reference);
        var database = _server.Service<Database>();
        var row = await database.FindAsync($"select parameters from pushed_request where id = {id}", reader => reader.GetFieldValue<byte[]>(0), CancellationToken.None);
        foreach (var secret in (string[])["alice@hint.example", "alice", request.State, request.Nonce, reference[^43..]]) row!.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)).ShouldBe(-1);

        var store = _server.Service<PushedRequestStore>();
        var other = (await _server.PushAsync(shared.Request())).Text("request_uri");
        await database.WriteAsync($"update pushed_request set parameters = {row} where id = {PushedRequest.IdOf(other)}");
        (await store.FindAsync(other, shared.Native.Id, CancellationToken.None)).ShouldBeNull("what was sealed for one row opens in no other");
        (await store.FindAsync(reference, shared.Native.Id, CancellationToken.None)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Cleanup_deletes_what_ended_more_than_an_hour_ago()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        var reference = (await server.PushAsync(new AuthorizeUrl(server, client))).Text("request_uri");
        server.Time.Advance(TimeSpan.FromSeconds(60) + TimeSpan.FromHours(1));
        (await server.CleanAsync()).ShouldBe(0);
        server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await server.CleanAsync()).ShouldBe(1);
        (await server.Service<PushedRequestStore>().FindAsync(reference, client.Id, CancellationToken.None)).ShouldBeNull();
    }
}
