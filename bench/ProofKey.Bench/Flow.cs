using System.Collections.Concurrent;
using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Bench;

/// <summary>What one connection does over and over at any issuer, with every answer checked.</summary>
internal sealed class Flow(IssuerUnderLoad issuer, LoadClient client, SignedInBrowser browser) : IDisposable
{
    private const int WrongVerifierEach = 1000;
    private const int SignatureEach = 100;

    private readonly LeanConnection _connection = new(issuer.TokenEndpoint);
    private SigningKey? _key;
    private string? _dpopNonce;
    private string? _accessToken;
    private string? _refreshToken;
    private string? _previousRefreshToken;
    private int _codes;
    private int _answers;

    /// <summary>Path and query of an authorization request.</summary>
    public static string AuthorizePath(IssuerUnderLoad issuer, LoadClient client, CodeVerifier verifier, string state, string nonce) =>
        $"{issuer.AuthorizationEndpoint.AbsolutePath}?response_type=code&client_id={client.Id}&redirect_uri={Uri.EscapeDataString(client.RedirectUri)}&scope={Uri.EscapeDataString(client.Scope)}&state={state}&nonce={nonce}&code_challenge={verifier.Challenge}&code_challenge_method=S256"
        + (client.Resource is null ? "" : $"&resource={Uri.EscapeDataString(client.Resource)}");

    /// <summary>One sign-in with the existing browser session: the authorization endpoint, then the token endpoint.</summary>
    public void SignIn()
    {
        var (verifier, state, nonce) = (CodeVerifier.New(), Secret.NewText(16), Secret.NewText(16));
        var answer = _connection.Send($"GET {AuthorizePath(issuer, client, verifier, state, nonce)} HTTP/1.1\r\nHost: {issuer.AuthorizationEndpoint.Authority}\r\nCookie: {browser.Cookies}\r\n\r\n");
        var code = CodeOf(answer, state);
        var isRight = ++_codes % WrongVerifierEach != 0;
        var redeemed = Post($"grant_type=authorization_code&client_id={client.Id}&redirect_uri={Uri.EscapeDataString(client.RedirectUri)}&code={Uri.EscapeDataString(code)}&code_verifier={(isRight ? verifier : CodeVerifier.New()).Reveal()}");
        if (isRight) Keep(redeemed, nonce);
        else Demand(redeemed.Status == 400, "A wrong verifier redeemed a code.");
    }

    /// <summary>One sign-in, of which the refresh token goes to others.</summary>
    public void SignInFor(ConcurrentQueue<string> grants)
    {
        _refreshToken = null;
        SignIn();
        // Nothing came of it where the verifier was the wrong one.
        if (_refreshToken is not null) grants.Enqueue(_refreshToken);
    }

    /// <summary>One sign-in, and the access token that came of it.</summary>
    public string SignInForAccess()
    {
        // Nothing comes of it where the verifier is the wrong one.
        for (_accessToken = null; _accessToken is null;) SignIn();
        return _accessToken;
    }

    /// <summary>One refresh of the next grant of many, whose turn comes again after all others: rows all over the table change, as they do in use.</summary>
    public void RefreshNext(ConcurrentQueue<string> grants)
    {
        if (grants.TryDequeue(out var next)) _refreshToken = next;
        Refresh();
        if (next is not null) grants.Enqueue(_refreshToken!);
    }

    /// <summary>One refresh of this connection's own grant.</summary>
    public void Refresh()
    {
        if (_refreshToken is null) SignIn();
        var sent = _refreshToken!;
        Keep(Post($"grant_type=refresh_token&client_id={client.Id}&refresh_token={Uri.EscapeDataString(sent)}"), null);
        if (!client.Rotates) return;
        Demand(_refreshToken != sent, "A refresh brought the same refresh token again.");
        _previousRefreshToken = sent;
    }

    /// <summary>One refresh of a grant that is bound to this connection's key, with a fresh proof.</summary>
    public void RefreshBound()
    {
        _key ??= SigningKey.New(SignatureAlgorithm.ES256);
        Refresh();
    }

    /// <summary>Sends the refresh token before the current one again. It must be refused, and the grant ends with that.</summary>
    public void ReturnOldToken()
    {
        if (_previousRefreshToken is null) return;
        Demand(Post($"grant_type=refresh_token&client_id={client.Id}&refresh_token={Uri.EscapeDataString(_previousRefreshToken)}").Status == 400, "An old refresh token was good.");
        (_refreshToken, _previousRefreshToken) = (null, null);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _key?.Dispose();
    }

    private string CodeOf((int Status, string Head, string Body) answer, string state)
    {
        var location = LeanConnection.Header(answer.Head, "Location");
        Demand(answer.Status is 302 or 303 && location?.StartsWith(client.RedirectUri, StringComparison.Ordinal) == true, $"The authorization endpoint answered {answer.Status}: {answer.Head}");
        var query = location!.AsSpan(location!.IndexOf('?', StringComparison.Ordinal) + 1);
        Demand(Parameters.TryParse(query, out var parameters, out var problem), problem ?? "");
        Demand(parameters!["error"] is null, $"The authorization endpoint refused: {parameters["error"]}");
        Demand(parameters["state"] == state, "The answer has another state.");
        // RFC 9207 section 2.4
        Demand(parameters["iss"] == issuer.Issuer || (!issuer.NamesItself && parameters["iss"] is null), "The answer has another issuer.");
        return parameters["code"] ?? throw new InvalidOperationException("The answer has no code.");
    }

    private (int Status, string Head, string Body) Post(string body)
    {
        if (client.Resource is not null) body += $"&resource={Uri.EscapeDataString(client.Resource)}";
        var answer = PostOnce(body);
        if (LeanConnection.Header(answer.Head, Dpop.NonceHeaderName) is not { } nonce) return answer;
        _dpopNonce = nonce;
        return answer.Status == 400 ? PostOnce(body) : answer;
    }

    private (int Status, string Head, string Body) PostOnce(string body) => _connection.Send(
        $"POST {issuer.TokenEndpoint.AbsolutePath} HTTP/1.1\r\nHost: {issuer.TokenEndpoint.Authority}\r\nContent-Type: application/x-www-form-urlencoded\r\n{Proof()}Content-Length: {body.Length}\r\n\r\n{body}");

    private string Proof() =>
        _key is null ? "" : $"{Dpop.HeaderName}: {Dpop.Prove(_key, "POST", issuer.TokenEndpoint, TimeProvider.System.GetUtcNow(), _dpopNonce)}\r\n";

    private void Keep((int Status, string Head, string Body) answer, string? nonce)
    {
        var (start, end) = (answer.Body.IndexOf('{', StringComparison.Ordinal), answer.Body.LastIndexOf('}'));
        Demand(answer.Status == 200 && start >= 0 && end > start, $"The token endpoint answered {answer.Status}: {answer.Body}");
        var tokens = JsonSerializer.Deserialize(answer.Body.AsSpan(start..(end + 1)), Wire.Default.TokenResponse)!;
        Demand(tokens.TokenType == (_key is null ? "Bearer" : Dpop.Scheme), "The tokens are of another type.");
        CheckIdToken(tokens, nonce);
        _accessToken = tokens.AccessToken;
        _refreshToken = tokens.RefreshToken ?? throw new InvalidOperationException("There is no refresh token.");
    }

    // Issuer, audience and nonce each time; signature, times and at_hash by sample, since they cost as much as the server does.
    private void CheckIdToken(TokenResponse tokens, string? nonce)
    {
        var now = TimeProvider.System.GetUtcNow();
        JsonElement claims;
        if (++_answers % SignatureEach == 0)
        {
            var expected = new JwtExpectations { Issuer = issuer.Issuer, Audience = client.Id };
            if (!Jwt.Verify(tokens.IdToken, issuer.Keys, expected, now).TryGet(out var token, out var problem)) throw new InvalidOperationException(problem.Message);
            claims = token.Claims;
            // OpenID Connect Core section 3.1.3.6: every algorithm here has SHA-256
            if (token.Text("at_hash") is { } hash) Demand(hash == Base64UrlText.Encode(Secret.Digest(tokens.AccessToken).AsSpan(..16)), "The ID token belongs to another access token.");
        }
        else
        {
            claims = PayloadOf(tokens.IdToken ?? throw new InvalidOperationException("There is no ID token."));
        }
        Demand(claims.GetProperty("iss").ValueEquals(issuer.Issuer), "The ID token has another issuer.");
        Demand(claims.GetProperty("aud") is { ValueKind: JsonValueKind.String } audience && audience.ValueEquals(client.Id), "The ID token is for another client.");
        if (nonce is not null) Demand(claims.TryGetProperty("nonce", out var told) && told.ValueEquals(nonce), "The ID token has another nonce.");
    }

    private static JsonElement PayloadOf(string token)
    {
        var start = token.IndexOf('.', StringComparison.Ordinal) + 1;
        Demand(Base64UrlText.TryDecode(token.AsSpan(start..token.IndexOf('.', start)), out var payload), "The ID token is not base64url.");
        return JsonElement.Parse(payload);
    }

    private static void Demand([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string otherwise)
    {
        if (!holds) throw new InvalidOperationException(otherwise);
    }
}
