using ProofKey.Jose;

namespace ProofKey.Server.Storage;

/// <summary>A registered client. A public one has no secret, and none is ever made for it.</summary>
public sealed record RegisteredClient
{
    /// <summary>The id, chosen by the server.</summary>
    public required string Id { get; init; }

    /// <summary>The name that people are shown.</summary>
    public required string Name { get; init; }

    /// <summary>The digest of a confidential client's secret; <see langword="null"/> for a public one.</summary>
    internal byte[]? SecretDigest { get; init; }

    /// <summary>The public keys with which a confidential client proves who it is (RFC 7523 section 2.2), as a JWK set; <see langword="null"/> when it has a secret, or keys elsewhere.</summary>
    public string? Jwks { get; init; }

    /// <summary>Where those keys are published instead.</summary>
    public string? JwksUri { get; init; }

    /// <summary>Whether the client cannot keep a secret: it has neither secret nor key.</summary>
    public bool IsPublic => SecretDigest is null && Jwks is null && JwksUri is null;

    /// <summary>The grant types that the client may use at the token endpoint.</summary>
    public IReadOnlyList<string> GrantTypes { get; init; } = GrantType.Default;

    /// <summary>Where answers may go.</summary>
    public IReadOnlyList<RedirectUri> RedirectUris
    {
        // Parsed when asked for: the token endpoint needs none of them.
        get => field ??= [.. RedirectUriTexts.Select(RedirectUri.Parse)];
        init;
    }

    /// <summary>The redirect URIs as their row holds them.</summary>
    internal IReadOnlyList<string> RedirectUriTexts { get; init; } = [];

    /// <summary>Where a browser may go after signing out.</summary>
    public IReadOnlyList<string> PostLogoutRedirectUris { get; init; } = [];

    /// <summary>The origins of pages that may read the token, userinfo and revocation endpoints.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>The scopes that the client may ask for.</summary>
    public required Scope Scope { get; init; }

    /// <summary>The API that access tokens are for when the request names none; <see langword="null"/> means the server itself.</summary>
    public string? Audience { get; init; }

    /// <summary>The response modes that the client may ask for; the first is its default.</summary>
    public IReadOnlyList<string> ResponseModes { get; init; } = ResponseMode.Default;

    /// <summary>How the client's ID tokens are signed.</summary>
    public SignatureAlgorithm IdTokenAlgorithm { get; init; } = SignatureAlgorithm.ES256;

    /// <summary>Whether the operator vouches for the client, so that it is not asked for consent.</summary>
    public bool IsFirstParty { get; init; }

    /// <summary>Whether the token request must repeat the redirect URI (RFC 6749 section 4.1.3, to the letter).</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether authorization requests must be pushed first (RFC 9126 section 6).</summary>
    public bool RequiresPushedRequests { get; init; }

    /// <summary>Whether every token of the client is bound to a key (RFC 9449 section 5.2).</summary>
    public bool RequiresDpop { get; init; }

    /// <summary>The API that the client is, whose tokens it may introspect (RFC 7662 section 2.1); <see langword="null"/> for one that may see only tokens of its own.</summary>
    public string? Introspects { get; init; }

    /// <summary>Where the client wants to hear that a session ended (OpenID Connect Back-Channel Logout section 2.2).</summary>
    public string? BackchannelLogoutUri { get; init; }

    /// <summary>Whether the client takes part in signing out, so that its ID tokens name the session.</summary>
    internal bool KnowsSessions => BackchannelLogoutUri is not null || PostLogoutRedirectUris.Count > 0;

    /// <summary>Whether the client has to hear when a session ends in which it got an ID token.</summary>
    internal bool HearsOfEnd(byte[]? sessionId, Scope scope) => BackchannelLogoutUri is not null && sessionId is not null && scope.Contains(Scope.OpenId);

    /// <summary>Another one after each change of the registration, so that a statement can ask whether it is still the one that is remembered.</summary>
    internal long Version { get; init; } = 1;

    /// <summary>When the client was registered.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The origins of its pages: those that were given, and those where its redirect URIs are (RFC 9700 section 2.6).</summary>
    internal IEnumerable<string> AllOrigins => Origins.Concat(
        RedirectUris.Where(uri => uri.Origin is not null).Select(uri => uri.Kind == RedirectUriKind.Loopback ? ClientStore.AnyPort(uri.Origin!) : uri.Origin!)).Distinct(StringComparer.Ordinal);

    /// <summary>The registered redirect URI that a requested one matches.</summary>
    internal RedirectUri? Match(string requested) => RedirectUris.FirstOrDefault(registered => registered.Matches(requested));
}
