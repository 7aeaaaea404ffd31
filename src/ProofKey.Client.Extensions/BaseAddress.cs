using Microsoft.Extensions.Http;

namespace ProofKey.Client.Extensions;

/// <summary>The base address that an app gives to an HTTP client of the factory; only a client that was made has it.</summary>
internal static class BaseAddress
{
    public static Uri? Of(HttpClientFactoryOptions options)
    {
        using var client = new HttpClient(new Unsent());
        foreach (var configure in options.HttpClientActions) configure(client);
        return client.BaseAddress;
    }

    private sealed class Unsent : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("Nothing is sent to find out a base address.");
    }
}
