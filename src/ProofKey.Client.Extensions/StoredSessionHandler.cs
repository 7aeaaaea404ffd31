namespace ProofKey.Client.Extensions;

/// <summary>
/// Sends each request with the session that is stored at that moment, so that a sign-in, a sign-out and another person's sign-in, here or in another
/// program, count from the next request on.
/// </summary>
internal sealed class StoredSessionHandler(Func<PublicClient> client, Uri onlyFor, string? resource) : DelegatingHandler
{
    // The token may have to be renewed first, and that cannot be waited for here: without this, the request would go out with none.
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException("A session's token is added to asynchronous calls alone: use SendAsync.");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // The invoker has nothing of its own to dispose, and the answer outlives it.
        var sender = new HttpMessageInvoker(new TokenHandler(cancel => client().GetStoredSessionAsync(cancel), onlyFor, resource, new Next(this)), disposeHandler: false);
        return await sender.SendAsync(request, cancellationToken);
    }

    private Task<HttpResponseMessage> SendOnAsync(HttpRequestMessage request, CancellationToken cancel) => base.SendAsync(request, cancel);

    // The rest of the factory's pipeline, which lives as long as the factory says.
    private sealed class Next(StoredSessionHandler outer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => outer.SendOnAsync(request, cancellationToken);
    }
}
