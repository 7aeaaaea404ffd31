using System.Text.Json;
using ProofKey;

namespace EndToEnd;

/// <summary>The flow in its two bare requests, for tests that are about what it yields.</summary>
public static class CodeFlow
{
    /// <summary>Signs alice in.</summary>
    /// <returns>The token response.</returns>
    public static async Task<JsonElement> SignInAsync(string issuer, string clientId, string redirectUri, CancellationToken cancellation)
    {
        var verifier = CodeVerifier.New();
        using var person = new Person();
        var answer = await person.AnswerAsync(Request(issuer, clientId, redirectUri, verifier.Challenge), cancellation);
        answer.Query.ShouldContain("code=");
        return await RedeemAsync(issuer, clientId, redirectUri, ValueOf(answer, "code"), verifier, cancellation);
    }

    private static Uri Request(string issuer, string clientId, string redirectUri, CodeChallenge challenge) => new(
        $"{issuer}/authorize?response_type=code&client_id={Uri.EscapeDataString(clientId)}&redirect_uri={Uri.EscapeDataString(redirectUri)}"
        + $"&scope=openid%20profile&code_challenge={challenge}&code_challenge_method={CodeChallenge.Method}");

    private static string ValueOf(Uri address, string name) =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(address.Query)[name].ToString();

    private static async Task<JsonElement> RedeemAsync(
        string issuer, string clientId, string redirectUri, string code, CodeVerifier verifier, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code",
            ["code"] = code,
            ["redirect_uri"] = redirectUri,
            ["client_id"] = clientId,
            ["code_verifier"] = verifier.Reveal(),
        });
        using var response = await http.PostAsync(new Uri($"{issuer}/token"), form, cancellation);
        var body = await response.Content.ReadAsStringAsync(cancellation);
        response.IsSuccessStatusCode.ShouldBeTrue(body);
        return JsonDocument.Parse(body).RootElement;
    }
}
