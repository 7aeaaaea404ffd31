using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Bench;

/// <summary>What one connection does over and over, with every answer checked.</summary>
internal sealed class Flow(ServerProcess server, SignedInBrowser browser) : IDisposable
{
    private readonly LeanConnection _connection = new(server.Port);
    private SigningKey? _key;
    private string? _nonce;
    private string? _refreshToken;
    private int _count;

    public static string AuthorizePath(string clientId, CodeVerifier verifier) =>
        $"/authorize?response_type=code&client_id={clientId}&redirect_uri={Uri.EscapeDataString(SignedInBrowser.RedirectUri)}&scope=openid%20profile%20offline_access&state=abcdefghijklmnop&nonce={Secret.NewText(16)}&code_challenge={verifier.Challenge}&code_challenge_method=S256";

    /// <summary>One sign-in with the existing browser session: /authorize, then /token.</summary>
    public void SignIn()
    {
        var verifier = CodeVerifier.New();
        var (status, head, _) = _connection.Send($"GET {AuthorizePath(browser.ClientId, verifier)} HTTP/1.1\r\nHost: 127.0.0.1:{server.Port}\r\nCookie: {browser.Cookies}\r\n\r\n");
        if (status != 303 || LeanConnection.Header(head, "Location") is not { } location || !location.StartsWith(SignedInBrowser.RedirectUri, StringComparison.Ordinal))
            throw new InvalidOperationException($"/authorize answered {status}: {head}");
        var start = location.IndexOf("code=", StringComparison.Ordinal) + 5;
        var code = location[start..location.IndexOf('&', start)];
        var isRight = ++_count % 1000 != 0;
        var body = $"grant_type=authorization_code&client_id={browser.ClientId}&redirect_uri={Uri.EscapeDataString(SignedInBrowser.RedirectUri)}&code={code}&code_verifier={(isRight ? verifier : CodeVerifier.New()).Reveal()}";
        var answer = Post(body);
        if (!isRight)
        {
            if (answer.Status != 400) throw new InvalidOperationException("A wrong verifier redeemed a code.");
            return;
        }
        Keep(answer);
    }

    /// <summary>One refresh of this connection's own grant.</summary>
    public void Refresh()
    {
        if (_refreshToken is null) SignIn();
        Keep(Post($"grant_type=refresh_token&client_id={browser.ClientId}&refresh_token={_refreshToken}"));
    }

    /// <summary>One refresh of a grant that is bound to this connection's key, with a fresh proof.</summary>
    public void RefreshBound()
    {
        _key ??= SigningKey.New(SignatureAlgorithm.ES256);
        Refresh();
    }

    public void Dispose()
    {
        _connection.Dispose();
        _key?.Dispose();
    }

    private (int Status, string Head, string Body) Post(string body)
    {
        var answer = PostOnce(body);
        if (LeanConnection.Header(answer.Head, Dpop.NonceHeaderName) is not { } nonce) return answer;
        _nonce = nonce;
        return answer.Status == 400 ? PostOnce(body) : answer;
    }

    private (int Status, string Head, string Body) PostOnce(string body) => _connection.Send(
        $"POST /token HTTP/1.1\r\nHost: 127.0.0.1:{server.Port}\r\nContent-Type: application/x-www-form-urlencoded\r\n{Proof()}Content-Length: {body.Length}\r\n\r\n{body}");

    private string Proof() =>
        _key is null ? "" : $"{Dpop.HeaderName}: {Dpop.Prove(_key, "POST", new Uri(server.Issuer + "/token"), TimeProvider.System.GetUtcNow(), _nonce)}\r\n";

    private void Keep((int Status, string Head, string Body) answer)
    {
        var start = answer.Body.IndexOf('{', StringComparison.Ordinal);
        if (answer.Status != 200 || start < 0) throw new InvalidOperationException($"/token answered {answer.Status}: {answer.Body}");
        using var json = JsonDocument.Parse(answer.Body[start..(answer.Body.LastIndexOf('}') + 1)]);
        _refreshToken = json.RootElement.GetProperty("refresh_token").GetString();
        if (json.RootElement.GetProperty("access_token").GetString() is null || json.RootElement.GetProperty("id_token").GetString() is null) throw new InvalidOperationException("A token is missing.");
    }
}
