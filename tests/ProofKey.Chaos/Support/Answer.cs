using System.Net;
using System.Text.Json;

namespace ProofKey.Chaos.Support;

/// <summary>An answer of the server, as far as a client looks at it.</summary>
internal sealed record Answer(HttpStatusCode Status, string? Error, string? AccessToken, string? RefreshToken)
{
    public bool IsGood => Status == HttpStatusCode.OK;

    public bool IsUnavailable => Status == HttpStatusCode.ServiceUnavailable;

    /// <summary>Sends a request. What goes wrong on the way is an exception of the network.</summary>
    public static async Task<Answer> ToAsync(HttpClient http, HttpRequestMessage request)
    {
        // Before it is sent: what is lost on the way is as secret.
        SuiteWitness.OfThisSuite.Heard($"{request.Headers}\n{(request.Content is null ? "" : await request.Content.ReadAsStringAsync())}");
        using var response = await http.SendAsync(request);
        // A balancer says it where a server has died with the request: the same as no answer.
        if (response.StatusCode == HttpStatusCode.BadGateway) throw new HttpRequestException("The balancer got no answer.");
        var text = await response.Content.ReadAsStringAsync();
        SuiteWitness.OfThisSuite.Heard(text);
        if (response.Content.Headers.ContentType?.MediaType != "application/json") return new(response.StatusCode, null, null, null);
        using var body = JsonDocument.Parse(text);
        string? Text(string name) => body.RootElement.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new(response.StatusCode, Text("error"), Text("access_token"), Text("refresh_token"));
    }

    public override string ToString() => $"{(int)Status} {Error}";
}
