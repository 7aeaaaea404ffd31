using ProofKey.Jose;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>What is said of a client when it is registered.</summary>
public sealed record ClientRegistration
{
    /// <summary>The name that people are shown: 1 to 100 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Whether the client cannot keep a secret. None is ever made for such a client.</summary>
    public required bool IsPublic { get; init; }

    /// <summary>Where answers may go; at least one for a client that signs people in.</summary>
    public IReadOnlyList<string> RedirectUris { get; init; } = [];

    /// <summary>Where a browser may go after signing out.</summary>
    public IReadOnlyList<string> PostLogoutRedirectUris { get; init; } = [];

    /// <summary>The origins of pages that may read token, userinfo and revocation answers.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>The scopes that the client may ask for. Default: openid, profile, email and offline_access.</summary>
    public string Scope { get; init; } = "openid profile email offline_access";

    /// <summary>The API that access tokens are for, an absolute address without fragment; <see langword="null"/> means the server itself.</summary>
    public string? Audience { get; init; }

    /// <summary>The allowed response modes, the default one first; none means query and form_post.</summary>
    public IReadOnlyList<string> ResponseModes { get; init; } = [];

    /// <summary>How ID tokens are signed: ES256, or RS256 or PS256 for those who cannot check that.</summary>
    public string IdTokenAlgorithm { get; init; } = SignatureAlgorithm.ES256.Name;

    /// <summary>Whether the operator vouches for the client, so that it is not asked for consent.</summary>
    public bool IsFirstParty { get; init; }

    /// <summary>Whether the token request must repeat the redirect URI.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether every token of the client is bound to a key that it proves to hold (RFC 9449 section 5.2): without a proof it gets none.</summary>
    public bool RequiresDpop { get; init; }

    /// <summary>Whether authorization requests must be pushed first (RFC 9126 section 6).</summary>
    public bool RequiresPushedRequests { get; init; }

    /// <summary>Whether the client may run on devices without a browser, whose codes people enter elsewhere (RFC 8628). Default: no.</summary>
    public bool UsesDevices { get; init; }

    /// <summary>Where the client wants to hear that a session ended: https on a public host (OpenID Connect Back-Channel Logout section 2.2).</summary>
    public string? BackchannelLogoutUri { get; init; }

    /// <summary>Whether the client gets refresh tokens. Default: yes.</summary>
    public bool MayRefresh { get; init; } = true;

    /// <summary>Whether the client gets tokens of its own, without a person (RFC 6749 section 4.4). Only a confidential one can.</summary>
    public bool UsesClientCredentials { get; init; }

    /// <summary>The API that the client is, whose tokens it may introspect; <see langword="null"/> for one that may see its own alone.</summary>
    public string? Introspects { get; init; }

    /// <summary>The public keys with which a confidential client proves who it is, as a JWK set: it has no secret then.</summary>
    public string? Jwks { get; init; }

    /// <summary>Where those keys are published instead: https, on a public host.</summary>
    public string? JwksUri { get; init; }

    /// <summary>What was said of a client that is registered, to be changed and said anew.</summary>
    /// <param name="client">The client.</param>
    /// <returns>Its registration.</returns>
    public static ClientRegistration Of(RegisteredClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        return new ClientRegistration
        {
            Name = client.Name,
            IsPublic = client.IsPublic,
            RedirectUris = [.. client.RedirectUris.Select(uri => uri.Value)],
            PostLogoutRedirectUris = client.PostLogoutRedirectUris,
            BackchannelLogoutUri = client.BackchannelLogoutUri,
            Origins = client.Origins,
            Scope = client.Scope.ToString(),
            Audience = client.Audience,
            ResponseModes = client.ResponseModes,
            IdTokenAlgorithm = client.IdTokenAlgorithm.Name,
            IsFirstParty = client.IsFirstParty,
            IsStrict = client.IsStrict,
            RequiresPushedRequests = client.RequiresPushedRequests,
            RequiresDpop = client.RequiresDpop,
            UsesDevices = client.GrantTypes.Contains(GrantType.DeviceCode),
            MayRefresh = !client.GrantTypes.Any(GrantType.SignsPeopleIn) || client.GrantTypes.Contains(GrantType.RefreshToken),
            UsesClientCredentials = client.GrantTypes.Contains(GrantType.ClientCredentials),
            Introspects = client.Introspects,
            Jwks = client.Jwks,
            JwksUri = client.JwksUri,
        };
    }

    /// <summary>What differs, in words for the audit trail: each name with the new value.</summary>
    internal static IEnumerable<string> Changes(ClientRegistration before, ClientRegistration after) =>
        before.Said().Zip(after.Said()).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.Second.What}: {pair.Second.Value}");

    // All that a change of can change somebody's access. Keys are public, but long.
    private IEnumerable<(string What, string Value)> Said() =>
    [
        ("name", Name), ("redirect URIs", Line(RedirectUris)), ("post-logout redirect URIs", Line(PostLogoutRedirectUris)), ("back-channel logout URI", BackchannelLogoutUri ?? "none"), ("origins", Line(Origins)),
        ("scope", Scope), ("audience", Audience ?? "none"), ("response modes", Line(ResponseModes)), ("ID token algorithm", IdTokenAlgorithm), ("first-party", Word(IsFirstParty)), ("strict", Word(IsStrict)),
        ("pushed requests", Word(RequiresPushedRequests)), ("DPoP", Word(RequiresDpop)), ("devices", Word(UsesDevices)), ("refresh", Word(MayRefresh)), ("client credentials", Word(UsesClientCredentials)),
        ("introspects", Introspects ?? "nothing"), ("keys", Jwks is null ? "none" : $"set {Base64UrlText.Encode(Secret.Digest(Jwks))}"), ("keys at", JwksUri ?? "nowhere"),
    ];

    private static string Line(IReadOnlyList<string> values) => string.Join(' ', values);

    private static string Word(bool value) => value ? "yes" : "no";
}

/// <summary>A client that was just registered or changed.</summary>
/// <param name="Client">The client.</param>
/// <param name="Secret">A confidential client's secret, which nobody can read again; <see langword="null"/> where none was made.</param>
public sealed record NewClient(RegisteredClient Client, string? Secret)
{
    /// <inheritdoc />
    public override string ToString() => Client.Id;
}
