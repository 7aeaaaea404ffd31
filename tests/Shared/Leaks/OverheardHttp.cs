namespace ProofKey.Tests.Leaks;

/// <summary>The way of a test's requests to a server, on which <see cref="SuiteWitness"/> learns the secrets that are sent and answered.</summary>
/// <param name="way">The way itself.</param>
internal sealed class OverheardHttp(HttpMessageHandler way) : DelegatingHandler(way)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var form = request.Content is FormUrlEncodedContent content ? await content.ReadAsStringAsync(cancellationToken) : "";
        SuiteWitness.OfThisSuite.Heard($"{request.RequestUri}\n{request.Headers}\n{form}");
        var response = await base.SendAsync(request, cancellationToken);
        SuiteWitness.OfThisSuite.Heard($"{response.Headers}");
        // Whoever reads it later finds it read already.
        if (response.Content.Headers.ContentType?.MediaType == "application/json") SuiteWitness.OfThisSuite.Heard(await response.Content.ReadAsStringAsync(cancellationToken));
        return response;
    }
}
