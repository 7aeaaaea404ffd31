namespace ProofKey.Cli.Demo;

/// <summary>A request of the client to the token endpoint, and its answer.</summary>
internal sealed record TokenExchange(Uri Address, Parameters Form, int Status, string Body);

/// <summary>Carries the client's requests, and keeps those to the token endpoint to show them. The client itself shows them to nobody.</summary>
internal sealed class Wiretap() : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
{
    /// <summary>The last one.</summary>
    public TokenExchange? Last { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var form = request is { Method.Method: "POST", RequestUri.AbsolutePath: "/token", Content: { } content } ? await content.ReadAsStringAsync(cancellationToken) : null;
        var response = await base.SendAsync(request, cancellationToken);
        if (form is null) return response;
        await response.Content.LoadIntoBufferAsync(cancellationToken);
        Last = new TokenExchange(request.RequestUri!, Read(form), (int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        return response;
    }

    private static Parameters Read(string form) => Parameters.TryParse(form, out var parameters, out _) ? parameters : Parameters.Empty;
}
