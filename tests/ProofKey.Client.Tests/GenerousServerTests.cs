using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

/// <summary>A server that puts more into its answers than most, within what the protocol allows.</summary>
public sealed class GenerousServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(30)]
    [InlineData(31)]
    public async Task Claims_as_deep_as_an_ID_token_may_have_them_are_kept(int depth)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims["deep"] = Nested(depth);
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store });

        await client.GetSessionAsync(Cancel);

        await using var next = new PublicClient(server.Options() with { Store = folder.Store });
        (await next.FindSessionAsync(Cancel))!.Claims.GetProperty("deep").ToString().ShouldBe(Nested(depth).ToJsonString());
    }

    [Fact]
    [Assertion("CL-16")]
    public async Task More_scopes_than_one_may_ask_for_may_be_granted()
    {
        await using var server = await ScriptedServer.StartAsync();
        var scopes = string.Join(' ', ["openid", "profile", .. Enumerable.Range(0, 200).Select(number => $"orders.{number}")]);
        server.SpoilTokens = tokens => tokens["scope"] = scopes;
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store });

        (await client.GetSessionAsync(Cancel)).Scope.ToString().ShouldBe(scopes);

        (await client.FindSessionAsync(Cancel))!.Scope.ToString().ShouldBe(scopes);
    }

    [Fact]
    [Assertion("CL-16")]
    public async Task A_scope_without_end_is_refused_for_the_reason_that_is_true()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilTokens = tokens => tokens["scope"] = string.Join(' ', Enumerable.Range(0, 1001));
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        var refused = await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel));

        refused.Code.ShouldBe("malformed_scope");
        refused.Message.ShouldContain("at most 1000");
    }

    private static JsonArray Nested(int depth) => depth == 1 ? [] : [Nested(depth - 1)];
}
