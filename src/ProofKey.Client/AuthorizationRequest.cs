namespace ProofKey.Client;

/// <summary>
/// One authorization request with its secrets: a verifier, a state and a nonce that are made here, used once, and seen by nobody else
/// (RFC 7636 section 4.1, RFC 9700 section 2.1.1).
/// </summary>
internal sealed class AuthorizationRequest
{
    private readonly string _state = Secret.NewText();

    public AuthorizationRequest(ClientOptions options, AuthorizationServer server, string redirectUri, ResponseMode mode)
    {
        RedirectUri = redirectUri;
        Mode = mode;
        Nonce = options.Scope.Contains(Scope.OpenId) ? Secret.NewText() : null;
        Address = new Uri(ProofKey.RedirectUri.Append(server.Authorization.AbsoluteUri, Query(options, server)));
    }

    public string RedirectUri { get; }

    /// <summary>How the answer is asked for; never <see cref="ResponseMode.Automatic"/>.</summary>
    public ResponseMode Mode { get; }

    public Uri Address { get; }

    public CodeVerifier Verifier { get; } = CodeVerifier.New();

    public string? Nonce { get; }

    public bool HasState(string state) => Secret.AreEqual(System.Text.Encoding.UTF8.GetBytes(state), System.Text.Encoding.UTF8.GetBytes(_state));

    public override string ToString() => nameof(AuthorizationRequest);

    // RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8707 section 2.1, OpenID Connect Core section 3.1.2.1
    private Parameters Query(ClientOptions options, AuthorizationServer server)
    {
        List<KeyValuePair<string, string>> pairs =
        [
            new("response_type", "code"),
            new("client_id", options.ClientId),
            new("redirect_uri", RedirectUri),
            new("state", _state),
            new("code_challenge", Verifier.Challenge.ToString()),
            new("code_challenge_method", CodeChallenge.Method),
        ];
        if (!options.Scope.IsEmpty) pairs.Add(new("scope", options.Scope.ToString()));
        if (Nonce is not null) pairs.Add(new("nonce", Nonce));
        if (options.Resource is not null) pairs.Add(new("resource", options.Resource));
        // The query is what a server does anyway; some know no such parameter.
        if (Mode == ResponseMode.FormPost) pairs.Add(new("response_mode", "form_post"));
        else if (server.ListsQuery) pairs.Add(new("response_mode", "query"));
        pairs.AddRange(options.AdditionalParameters);
        return Parameters.Of(pairs);
    }
}
