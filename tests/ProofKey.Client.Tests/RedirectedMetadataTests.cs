namespace ProofKey.Client.Tests;

/// <summary>A server that has one of the two forms of metadata, and sends everybody who asks for the other to its sign-in page.</summary>
public sealed class RedirectedMetadataTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("openid", "/.well-known/openid-configuration")]
    [InlineData("orders", "/.well-known/oauth-authorization-server")]
    [Assertion("CL-11")]
    public async Task A_redirect_at_the_first_form_is_not_followed_and_the_second_is_read(string scope, string first)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead[first] = context => DiscoveryTests.Redirect(context, 302, server.At("/signin"));
        await using var client = new PublicClient(server.Options() with { Scope = Scope.Parse(scope) });

        await using var pending = await client.BeginAsync(Cancel);

        server.Paths.Count.ShouldBe(2);
        server.Count("/signin").ShouldBe(0);
    }
}
