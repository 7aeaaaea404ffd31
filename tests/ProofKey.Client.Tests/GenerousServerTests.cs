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

    private static JsonArray Nested(int depth) => depth == 1 ? [] : [Nested(depth - 1)];
}
