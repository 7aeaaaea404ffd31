using System.Net;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Support;

/// <summary>Requests that a client pushes before it sends a browser.</summary>
internal static class PushedRequests
{
    /// <summary>Pushes the parameters of a request, as they stand.</summary>
    public static Task<JsonAnswer> PushAsync(this RunningServer server, AuthorizeUrl request, Action<HttpRequestMessage>? change = null) => server.PostFormAsync("/par", request.Parameters, change);

    /// <summary>Pushes a request, and gives the one that a browser takes to the server.</summary>
    public static async Task<AuthorizeUrl> PushedAsync(this RunningServer server, RegisteredClient client, AuthorizeUrl request)
    {
        var pushed = await server.PushAsync(request);
        pushed.Status.ShouldBe(HttpStatusCode.Created, pushed.Body.ToString());
        return server.ByReference(client, pushed.Text("request_uri"));
    }

    /// <summary>A request that names its client and a reference, and nothing else.</summary>
    public static AuthorizeUrl ByReference(this RunningServer server, RegisteredClient client, string reference)
    {
        var request = new AuthorizeUrl(server, client);
        foreach (var name in request.Parameters.Select(parameter => parameter.Key).Where(name => name != "client_id").ToList()) request.Set(name, null);
        return request.Set("request_uri", reference);
    }
}
