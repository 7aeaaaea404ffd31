using System.Text.Json;
using ProofKey;
using ProofKey.Jose;

namespace EndToEnd;

/// <summary>The flow in its two bare requests, for tests that are about what it yields.</summary>
public static class CodeFlow
{
    /// <summary>Signs alice in.</summary>
    /// <param name="issuer">Where.</param>
    /// <param name="clientId">For which client.</param>
    /// <param name="redirectUri">Its redirect URI.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="key">The key that the tokens are to be bound to, if any.</param>
    /// <param name="way">The way to the server, where it is a special one.</param>
    /// <returns>The token response.</returns>
    public static async Task<JsonElement> SignInAsync(
        string issuer, string clientId, string redirectUri, CancellationToken cancellation, SigningKey? key = null, Func<SocketsHttpHandler>? way = null)
    {
        var verifier = CodeVerifier.New();
        using var person = new Person(way?.Invoke());
        var answer = await person.AnswerAsync(Request(issuer, clientId, redirectUri, verifier.Challenge), cancellation);
        answer.Query.ShouldContain("code=");
        using var http = new HttpClient(way?.Invoke() ?? new());
        return await RedeemAsync(http, issuer, clientId, redirectUri, ValueOf(answer, "code"), verifier, key, cancellation);
    }

    /// <summary>The address that starts a flow.</summary>
    public static Uri Request(string issuer, string clientId, string redirectUri, CodeChallenge challenge) => new(
        $"{issuer}/authorize?response_type=code&client_id={Uri.EscapeDataString(clientId)}&redirect_uri={Uri.EscapeDataString(redirectUri)}"
        + $"&scope=openid%20profile&code_challenge={challenge}&code_challenge_method={CodeChallenge.Method}");

    private static string ValueOf(Uri address, string name) =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(address.Query)[name].ToString();

    private static async Task<JsonElement> RedeemAsync(
        HttpClient http, string issuer, string clientId, string redirectUri, string code, CodeVerifier verifier, SigningKey? key, CancellationToken cancellation)
    {
        var fields = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code",
            ["code"] = code,
            ["redirect_uri"] = redirectUri,
            ["client_id"] = clientId,
            ["code_verifier"] = verifier.Reveal(),
        };
        using var first = await PostAsync(http, issuer, fields, key, null, cancellation);
        // RFC 9449 section 8: the first proof has no nonce, and comes back with one.
        using var second = first.Headers.TryGetValues(Dpop.NonceHeaderName, out var nonce) ? await PostAsync(http, issuer, fields, key, nonce.Single(), cancellation) : null;
        var body = await (second ?? first).Content.ReadAsStringAsync(cancellation);
        (second ?? first).IsSuccessStatusCode.ShouldBeTrue(body);
        return JsonDocument.Parse(body).RootElement;
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, string issuer, Dictionary<string, string> fields, SigningKey? key, string? nonce, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{issuer}/token") { Content = new FormUrlEncodedContent(fields) };
        if (key is not null) request.Headers.Add(Dpop.HeaderName, Dpop.Prove(key, "POST", request.RequestUri!, TimeProvider.System.GetUtcNow(), nonce));
        return await http.SendAsync(request, cancellation);
    }
}
