using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

/// <summary>What an API says about itself, and what of it is believed (RFC 9728).</summary>
public sealed class ProtectedResourceTests
{
    private const string Place = "/.well-known/oauth-protected-resource/api/orders";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 9728", "3.1"), Rfc("RFC 9728", "3.3"), Rfc("RFC 9728", "5.1")]
    public async Task From_its_refusal_to_a_session_that_is_for_it()
    {
        await using var world = await World.StartAsync();
        using var refused = await world.CallAsync();
        ProtectedResource.IsNamedIn(refused).ShouldBeTrue();

        var api = await ProtectedResource.DiscoverAsync(refused, cancel: Cancel);

        api.Resource.ShouldBe(world.Orders.AbsoluteUri);
        api.AuthorizationServers.ShouldBe([world.Server.Issuer]);
        api.ScopesSupported.ToString().ShouldBe("orders.read orders.write");
        using var browser = new TestBrowser();
        var options = api.OptionsFor(ScriptedServer.ClientId);
        await using var client = new PublicClient(options with { OpenBrowser = browser.OpenAsync, ResponseMode = ResponseMode.Query, TimeProvider = world.Server.Time });
        var session = await client.GetSessionAsync(Cancel);
        world.Server.AuthorizeRequests.Single()["resource"].ShouldBe(api.Resource);
        using var http = api.CreateHttpClient(session);
        (await http.GetStringAsync(world.Orders, Cancel)).ShouldBe($"Bearer {session.Stored.AccessToken}");
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/", "http://127.0.0.1:1/.well-known/oauth-protected-resource")]
    [InlineData("http://127.0.0.1:1/a/b", "http://127.0.0.1:1/.well-known/oauth-protected-resource/a/b")]
    [InlineData("http://127.0.0.1:1/a/?b=c", "http://127.0.0.1:1/.well-known/oauth-protected-resource/a/?b=c")]
    [Rfc("RFC 9728", "3.1")]
    public async Task Where_the_metadata_are_follows_from_the_address(string address, string place)
    {
        using var seen = new Seen();

        await Should.ThrowAsync<ProtocolViolationException>(() => ProtectedResource.DiscoverAsync(new Uri(address), seen, Cancel));

        seen.Address!.AbsoluteUri.ShouldBe(place);
        seen.Headers.ShouldNotContain("Authorization");
    }

    [Theory]
    [InlineData("https://victim.example/api")]
    [InlineData("{root}")]
    [InlineData("{orders}/")]
    [InlineData("{ORDERS}")]
    [Assertion("RS-16")]
    [Rfc("RFC 9728", "3.3"), Rfc("RFC 9728", "6")]
    public async Task Metadata_of_another_API_are_not_used(string resource)
    {
        await using var world = await World.StartAsync();
        world.Metadata["resource"] = resource
            .Replace("{root}", world.Server.Issuer.Value, StringComparison.Ordinal).Replace("{orders}", world.Orders.AbsoluteUri, StringComparison.Ordinal).Replace("{ORDERS}", world.Orders.AbsoluteUri.Replace("orders", "Orders", StringComparison.Ordinal), StringComparison.Ordinal);
        using var refused = await world.CallAsync();

        (await Should.ThrowAsync<ProtocolViolationException>(() => ProtectedResource.DiscoverAsync(refused, cancel: Cancel))).Code.ShouldBe("resource_other");
    }

    [Theory]
    [InlineData("http://localhost:{port}/metadata")]
    [InlineData("https://evil.example/metadata")]
    [InlineData("http://127.0.0.1:1/metadata")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://evil@127.0.0.1:{port}/metadata")]
    [InlineData("relative")]
    [Assertion("RS-16")]
    [Rfc("RFC 9728", "7.3")]
    public async Task Metadata_elsewhere_are_not_even_read(string place)
    {
        await using var world = await World.StartAsync();
        world.Place = place.Replace("{port}", $"{new Uri(world.Server.Issuer.Value).Port}", StringComparison.Ordinal);
        using var refused = await world.CallAsync();
        using var seen = new Seen();

        (await Should.ThrowAsync<ProtocolViolationException>(() => ProtectedResource.DiscoverAsync(refused, seen, Cancel))).Code.ShouldBe("resource_metadata");

        seen.Address.ShouldBeNull();
    }

    [Theory]
    [InlineData("resource", "7", "resource_metadata")]
    [InlineData("resource", "null", "resource_metadata")]
    [InlineData("authorization_servers", "null", "resource_server")]
    [InlineData("authorization_servers", "[]", "resource_server")]
    [InlineData("authorization_servers", "[\"http://login.example.com\", \"javascript:x\", \"https://a.example/?q\"]", "resource_server")]
    [InlineData("authorization_servers", "\"https://login.example.com\"", "resource_metadata")]
    [InlineData("authorization_servers", "[{}]", "resource_metadata")]
    [Rfc("RFC 9728", "2")]
    public async Task Metadata_that_make_no_sense_are_refused(string member, string json, string code)
    {
        await using var world = await World.StartAsync();
        world.Metadata[member] = JsonNode.Parse(json);

        (await Should.ThrowAsync<ProtocolViolationException>(() => ProtectedResource.DiscoverAsync(world.Orders, cancel: Cancel))).Code.ShouldBe(code);
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task Metadata_that_lead_elsewhere_are_a_page_or_have_no_end_are_not_read()
    {
        await using var world = await World.StartAsync();
        world.Server.Instead[Place] = context => DiscoveryTests.Redirect(context, 302, new Uri("http://127.0.0.1:1/"));
        (await Should.ThrowAsync<ProtocolViolationException>(() => ProtectedResource.DiscoverAsync(world.Orders, cancel: Cancel))).Code.ShouldBe("redirect");
        world.Server.Instead[Place] = context => ScriptedServer.JsonAsync(context, 200, "<html>", "text/html");
        (await Should.ThrowAsync<ProtocolViolationException>(() => ProtectedResource.DiscoverAsync(world.Orders, cancel: Cancel))).Code.ShouldBe("no_resource_metadata");
        world.Server.Instead[Place] = context => ScriptedServer.JsonAsync(context, 200, new string(' ', 70_000));
        (await Should.ThrowAsync<ProtocolViolationException>(() => ProtectedResource.DiscoverAsync(world.Orders, cancel: Cancel))).Code.ShouldBe("too_large");
        await Should.ThrowAsync<ArgumentException>(() => ProtectedResource.DiscoverAsync(new Uri("http://api.example.com/"), cancel: Cancel));
        await Should.ThrowAsync<ArgumentException>(() => ProtectedResource.DiscoverAsync(new Uri("https://api.example.com/#a"), cancel: Cancel));
    }

    [Fact]
    [Assertion("RS-16")]
    [Assertion("CL-20")]
    [Rfc("RFC 9728", "7.3")]
    public async Task No_token_goes_to_an_API_that_the_session_is_not_for()
    {
        await using var world = await World.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var ofAnother = new PublicClient(other.Options(browser) with { Resource = world.Orders.AbsoluteUri });
        await using var forAnother = new PublicClient(world.Server.Options(browser) with { Resource = "https://bills.example/" });
        await using var right = new PublicClient(world.Server.Options(browser) with { Resource = world.Orders.AbsoluteUri });
        var api = await ProtectedResource.DiscoverAsync(world.Orders, cancel: Cancel);

        foreach (var client in (PublicClient[])[ofAnother, forAnother])
        {
            var session = await client.GetSessionAsync(Cancel);
            Should.Throw<ProtocolViolationException>(() => api.CreateHttpClient(session)).Code.ShouldBe("resource_session");
        }
        api.CreateHttpClient(await right.GetSessionAsync(Cancel)).Dispose();
        world.Metadata["dpop_bound_access_tokens_required"] = true;
        var strict = await ProtectedResource.DiscoverAsync(world.Orders, cancel: Cancel);
        Should.Throw<ProtocolViolationException>(() => strict.CreateHttpClient(right.FindSessionAsync(Cancel).Result!)).Code.ShouldBe("resource_session");
        strict.OptionsFor("cli").Dpop.ShouldBe(DpopUse.Always);
        Should.Throw<ArgumentException>(() => api.OptionsFor("cli", Issuer.Parse("https://evil.example")));
    }

    /// <summary>An API of the scripted server that wants a token, and says so.</summary>
    private sealed class World : IAsyncDisposable
    {
        public required ScriptedServer Server { get; init; }

        public JsonObject Metadata { get; private set; } = [];

        public string Place { get; set; } = "";

        public Uri Orders => Server.At("/api/orders");

        public static async Task<World> StartAsync()
        {
            var world = new World { Server = await ScriptedServer.StartAsync() };
            world.Place = world.Server.Issuer.Endpoint(ProtectedResourceTests.Place);
            world.Metadata = new JsonObject
            {
                ["resource"] = world.Orders.AbsoluteUri,
                ["authorization_servers"] = new JsonArray(world.Server.Issuer.Value, "not an issuer"),
                ["scopes_supported"] = new JsonArray("orders.read", "orders.write"),
            };
            world.Server.Instead[ProtectedResourceTests.Place] = context => ScriptedServer.JsonAsync(context, 200, world.Metadata.ToJsonString());
            world.Server.Instead["/api/orders"] = context =>
            {
                if (context.Request.Headers.Authorization.Count > 0) return ScriptedServer.JsonAsync(context, 200, context.Request.Headers.Authorization.ToString(), "text/plain");
                context.Response.Headers.WWWAuthenticate = $"Bearer resource_metadata=\"{world.Place}\"";
                return ScriptedServer.JsonAsync(context, 401, "{}");
            };
            return world;
        }

        public async Task<HttpResponseMessage> CallAsync()
        {
            using var http = new HttpClient();
            return await http.GetAsync(Orders, Cancel);
        }

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }

    /// <summary>Notes where a request went, and finds nothing there.</summary>
    private sealed class Seen : HttpMessageHandler
    {
        public Uri? Address { get; private set; }

        public string Headers { get; private set; } = "";

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            (Address, Headers) = (request.RequestUri, request.Headers.ToString());
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.NotFound) { RequestMessage = request });
        }
    }
}
