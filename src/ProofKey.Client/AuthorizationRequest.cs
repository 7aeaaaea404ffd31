using System.Collections.Frozen;

namespace ProofKey.Client;

/// <summary>Where a browser takes a request.</summary>
/// <param name="Address">The authorization endpoint, with a query.</param>
/// <param name="EndsAt">Until when it must have come there; <see langword="null"/> where that does not matter.</param>
internal sealed record RequestPlace(Uri Address, DateTimeOffset? EndsAt)
{
    public override string ToString() => nameof(RequestPlace);
}

/// <summary>
/// One authorization request with its secrets: a verifier, a state and a nonce that are made here, used once, and seen by nobody else
/// (RFC 7636 section 4.1, RFC 9700 section 2.1.1).
/// </summary>
internal sealed class AuthorizationRequest
{
    private readonly string _state = Secret.NewText();
    private RequestPlace _place;

    /// <summary>Makes a request.</summary>
    /// <param name="options">What to ask for.</param>
    /// <param name="server">Whom to ask.</param>
    /// <param name="redirectUri">Where the answer comes in.</param>
    /// <param name="mode">How it comes.</param>
    /// <param name="thumbprint">The key that the tokens are to be bound to.</param>
    /// <param name="stepUp">What an API asks of the sign-in.</param>
    public AuthorizationRequest(ClientOptions options, SignInServer server, string redirectUri, ResponseMode mode, string? thumbprint = null, StepUp? stepUp = null)
    {
        MadeAt = options.TimeProvider.GetUtcNow();
        RedirectUri = redirectUri;
        Mode = mode;
        Nonce = options.Scope.Contains(Scope.OpenId) ? Secret.NewText() : null;
        Parameters = ParametersOf(options, server, thumbprint, stepUp);
        _place = new RequestPlace(new Uri(ProofKey.RedirectUri.Append(server.Authorization.AbsoluteUri, Parameters)), null);
    }

    public string RedirectUri { get; }

    /// <summary>How the answer is asked for; never <see cref="ResponseMode.Automatic"/>.</summary>
    public ResponseMode Mode { get; }

    /// <summary>When it was made: how old a sign-in may be is reckoned from here.</summary>
    public DateTimeOffset MadeAt { get; }

    /// <summary>The request itself.</summary>
    public Parameters Parameters { get; }

    /// <summary>Where the browser goes: with the request in it, or with its reference once it was pushed.</summary>
    public RequestPlace Place
    {
        get => Volatile.Read(ref _place);
        set => Volatile.Write(ref _place, value);
    }

    public CodeVerifier Verifier { get; } = CodeVerifier.New();

    public string? Nonce { get; }

    /// <summary>What else of it an answer could repeat that nobody else may see.</summary>
    public string[] Secrets => Nonce is null ? [_state] : [_state, Nonce];

    public bool HasState(string state) => Secret.AreEqual(System.Text.Encoding.UTF8.GetBytes(state), System.Text.Encoding.UTF8.GetBytes(_state));

    public override string ToString() => nameof(AuthorizationRequest);

    // RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8707 section 2.1, RFC 9449 section 10, OpenID Connect Core section 3.1.2.1
    private Parameters ParametersOf(ClientOptions options, SignInServer server, string? thumbprint, StepUp? stepUp)
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
        pairs.AddRange(options.Resources.Select(resource => KeyValuePair.Create("resource", resource)));
        if (thumbprint is not null) pairs.Add(new("dpop_jkt", thumbprint));
        // The query is what a server does anyway; some know no such parameter.
        if (Mode == ResponseMode.FormPost) pairs.Add(new("response_mode", "form_post"));
        else if (server.ListsQuery) pairs.Add(new("response_mode", "query"));
        var asked = stepUp?.Parameters ?? FrozenDictionary<string, string>.Empty;
        pairs.AddRange(options.AdditionalParameters.Where(pair => !asked.ContainsKey(pair.Key)));
        pairs.AddRange(asked);
        return Parameters.Of(pairs);
    }
}
