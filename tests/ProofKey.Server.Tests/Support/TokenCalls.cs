using System.Net;
using System.Text.Json;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Support;

/// <summary>An answer of a JSON endpoint.</summary>
internal sealed record JsonAnswer(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response)
{
    public string? Error => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("error", out var error) ? error.GetString() : null;

    public string Text(string name) => Body.GetProperty(name).GetString()!;
}

/// <summary>What a client sends to the token endpoint and its neighbours.</summary>
internal static class TokenCalls
{
    private static readonly HttpClient Http = new(new OverheardHttp(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }));

    public static async Task<JsonAnswer> PostFormAsync(this RunningServer server, string path, IEnumerable<KeyValuePair<string, string>> fields, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Issuer + path) { Content = new FormUrlEncodedContent(fields) };
        change?.Invoke(request);
        return await SendAsync(request);
    }

    public static async Task<JsonAnswer> SendAsync(HttpRequestMessage request)
    {
        var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var body = response.Content.Headers.ContentType?.MediaType == "application/json" && text.Length > 0 ? JsonDocument.Parse(text).RootElement.Clone() : default;
        return new JsonAnswer(response.StatusCode, body, response);
    }

    /// <summary>The fields of a correct code exchange, to be changed at will.</summary>
    public static Dictionary<string, string> CodeExchange(RegisteredClient client, AuthorizeUrl request, string code) => new()
    {
        ["grant_type"] = "authorization_code",
        ["client_id"] = client.Id,
        ["code"] = code,
        ["redirect_uri"] = request.RedirectUri,
        ["code_verifier"] = request.Verifier.Reveal(),
    };

    public static Task<JsonAnswer> RedeemAsync(this RunningServer server, RegisteredClient client, AuthorizeUrl request, string code) =>
        server.PostFormAsync("/token", CodeExchange(client, request, code));

    public static Task<JsonAnswer> RefreshAsync(this RunningServer server, RegisteredClient client, string refreshToken, string? scope = null)
    {
        var fields = new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["client_id"] = client.Id, ["refresh_token"] = refreshToken };
        if (scope is not null) fields["scope"] = scope;
        return server.PostFormAsync("/token", fields);
    }

    public static Task<JsonAnswer> RevokeAsync(this RunningServer server, RegisteredClient client, string token) =>
        server.PostFormAsync("/revoke", new Dictionary<string, string> { ["client_id"] = client.Id, ["token"] = token });

    public static async Task<JsonAnswer> UserinfoAsync(this RunningServer server, string accessToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Issuer + "/userinfo");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {accessToken}");
        return await SendAsync(request);
    }

    /// <summary>A whole sign-in by a new person.</summary>
    public static async Task<JsonAnswer> SignInAsync(this RunningServer server, RegisteredClient client, string scope = "openid profile email")
    {
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client).Set("scope", scope);
        var answer = await person.AuthorizeAsync(request);
        var tokens = await server.RedeemAsync(client, request, answer["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return tokens;
    }
}
