using System.Net.Http.Headers;
using System.Text.Json;

namespace ProofKey.Cli.Demo;

/// <summary>What the token endpoint answered, in words that may be shown.</summary>
internal sealed record RawAnswer(int Status, string Error, string Description, TokenResponse? Tokens)
{
    public string Shown => Tokens is not null ? $"HTTP {Status}, tokens" : $"HTTP {Status} {Error}: {Description}";

    public bool Is(string error) => Status == 400 && Error == error && Tokens is null;
}

/// <summary>The protocol by hand, as an attacker speaks it: nothing is checked on this side.</summary>
internal sealed class RawFlow(DemoWorld world, ScriptedPerson person) : IDisposable
{
    /// <summary>Where the codes go: a registered address, at a port where nobody listens.</summary>
    public const string RedirectUri = "http://127.0.0.1:9/callback";

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });

    /// <summary>The address of an authorization request.</summary>
    public Uri Request(CodeVerifier verifier, string redirectUri) => new($"{world.Issuer.Endpoint("/authorize")}?{Parameters.Of(
        new("response_type", "code"),
        new("client_id", world.ClientId),
        new("redirect_uri", redirectUri),
        new("scope", DemoWorld.Scope),
        new("state", Secret.NewText()),
        new("nonce", Secret.NewText()),
        new("code_challenge", verifier.Challenge.ToString()),
        new("code_challenge_method", CodeChallenge.Method)).ToQuery()}");

    /// <summary>A code for a challenge, from a person who agrees.</summary>
    public async Task<string> CodeAsync(CodeVerifier verifier, CancellationToken cancellation)
    {
        var callback = await person.AnswerAsync(Request(verifier, RedirectUri), cancellation);
        return Parameters.TryParse(callback.Query.AsSpan(1), out var answer, out _) && answer["code"] is { } code ? code
            : throw new CommandException(ExitCodes.Failed, "The server issued no code.", "Run the demo again; report it when it stays so.");
    }

    /// <summary>Tries to redeem a code; parts that are <see langword="null"/> are left out.</summary>
    public Task<RawAnswer> RedeemAsync(string code, string? redirectUri, string? verifier, CancellationToken cancellation) => TokenAsync(
        cancellation, ("grant_type", "authorization_code"), ("code", code), ("client_id", world.ClientId), ("redirect_uri", redirectUri), ("code_verifier", verifier));

    /// <summary>Tries to refresh.</summary>
    public Task<RawAnswer> RefreshAsync(string refreshToken, CancellationToken cancellation) =>
        TokenAsync(cancellation, ("grant_type", "refresh_token"), ("refresh_token", refreshToken), ("client_id", world.ClientId));

    /// <summary>Asks the server about the person, and gives the HTTP status.</summary>
    public async Task<int> UserinfoAsync(string accessToken, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, world.Issuer.Endpoint("/userinfo")) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", accessToken) } };
        using var answer = await _http.SendAsync(request, cancellation);
        return (int)answer.StatusCode;
    }

    public void Dispose() => _http.Dispose();

    private async Task<RawAnswer> TokenAsync(CancellationToken cancellation, params (string Name, string? Value)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Where(field => field.Value is not null).Select(field => KeyValuePair.Create(field.Name, field.Value!)));
        using var answer = await _http.PostAsync(new Uri(world.Issuer.Endpoint("/token")), content, cancellation);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellation);
        if (answer.IsSuccessStatusCode) return new RawAnswer((int)answer.StatusCode, "", "", JsonSerializer.Deserialize(body, Wire.Default.TokenResponse));
        var error = JsonSerializer.Deserialize(body, Wire.Default.ErrorResponse);
        return new RawAnswer((int)answer.StatusCode, error?.Error ?? "", error?.ErrorDescription ?? "", null);
    }
}
