using System.Net;

namespace ProofKey.Client.Tests;

/// <summary>An API's answer to a request whose address had a fragment, which no server sees (RFC 9110 section 7.1).</summary>
public sealed class RefusedFragmentTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rfc("RFC 9110", "7.1"), Rfc("RFC 9728", "3.1")]
    public async Task The_metadata_are_found_as_without_it(bool isNamed)
    {
        const string Place = "/.well-known/oauth-protected-resource/api/orders";
        await using var server = await ScriptedServer.StartAsync();
        var orders = server.At("/api/orders");
        server.Instead[Place] = context => ScriptedServer.JsonAsync(context, 200, $$"""{"resource":"{{orders.AbsoluteUri}}","authorization_servers":["{{server.Issuer}}"]}""");
        using var refused = new HttpResponseMessage(HttpStatusCode.Unauthorized) { RequestMessage = new HttpRequestMessage(HttpMethod.Get, $"{orders.AbsoluteUri}#top") };
        refused.Headers.TryAddWithoutValidation("WWW-Authenticate", isNamed ? $"Bearer resource_metadata=\"{server.At(Place).AbsoluteUri}\"" : "Bearer");

        (await ProtectedResource.DiscoverAsync(refused, cancel: Cancel)).Resource.ShouldBe(orders.AbsoluteUri);
    }
}
