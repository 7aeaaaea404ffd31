using System.Net.Http.Headers;

namespace ProofKey.Client.Tests;

/// <summary>A request that brings an <c>Authorization</c> header of its own is meant for another identity than the session's.</summary>
public sealed class OwnAuthorizationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-11")]
    public async Task The_sessions_token_does_not_take_its_place_after_a_redirect()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        var sent = new List<string>();
        server.Instead["/api/a"] = context =>
        {
            sent.Add($"/a {context.Request.Headers.Authorization}");
            context.Response.Redirect("/api/b");
            return Task.CompletedTask;
        };
        server.Instead["/api/b"] = context =>
        {
            sent.Add($"/b {context.Request.Headers.Authorization}");
            return ScriptedServer.JsonAsync(context, 200, "{}");
        };
        using var api = session.CreateHttpClient(server.At("/api/"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "a") { Headers = { Authorization = new AuthenticationHeaderValue("Basic", "b3RoZXI6b25l") } };

        (await api.SendAsync(request, Cancel)).EnsureSuccessStatusCode();

        sent.ShouldBe(["/a Basic b3RoZXI6b25l", "/b "]);
    }

    [Fact]
    public async Task It_needs_no_session_after_a_redirect_either()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/api/a"] = context =>
        {
            context.Response.Redirect("/api/b");
            return Task.CompletedTask;
        };
        server.Instead["/api/b"] = context => ScriptedServer.JsonAsync(context, 200, "{}");
        await using var client = new PublicClient(server.Options());
        using var handler = new TokenHandler(client.GetStoredSessionAsync, server.At("/"), null, new SocketsHttpHandler { AllowAutoRedirect = false });
        using var api = new HttpClient(handler, disposeHandler: false);
        using var request = new HttpRequestMessage(HttpMethod.Get, server.At("/api/a")) { Headers = { Authorization = new AuthenticationHeaderValue("Basic", "b3RoZXI6b25l") } };

        (await api.SendAsync(request, Cancel)).EnsureSuccessStatusCode();
    }
}
