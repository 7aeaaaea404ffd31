namespace ProofKey.Cli.Demo;

/// <summary>A request of the client to the server, and its answer.</summary>
internal sealed record TokenExchange(Uri Address, Parameters Form, int Status, string Body);

/// <summary>Carries the client's requests, and keeps those that begin and end a sign-in to show them. The client itself shows them to nobody.</summary>
internal sealed class Wiretap() : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
{
    /// <summary>The last one to the token endpoint.</summary>
    public TokenExchange? Last { get; private set; }

    /// <summary>The last one that was pushed.</summary>
    public TokenExchange? Pushed { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var form = request is { Method.Method: "POST", RequestUri.AbsolutePath: "/token" or "/par", Content: { } content } ? await content.ReadAsStringAsync(cancellationToken) : null;
        var response = await base.SendAsync(request, cancellationToken);
        if (form is null) return response;
        await response.Content.LoadIntoBufferAsync(cancellationToken);
        var exchange = new TokenExchange(request.RequestUri!, Read(form), (int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        if (request.RequestUri!.AbsolutePath == "/par") Pushed = exchange;
        else Last = exchange;
        return response;
    }

    private static Parameters Read(string form) => Parameters.TryParse(form, out var parameters, out _) ? parameters : Parameters.Empty;
}
