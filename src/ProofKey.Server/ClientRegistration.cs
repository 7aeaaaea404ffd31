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

    /// <summary>Where answers may go; at least one, unless the client runs on devices alone.</summary>
    public required IReadOnlyList<string> RedirectUris { get; init; }

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

    /// <summary>Whether the client gets refresh tokens. Default: yes.</summary>
    public bool MayRefresh { get; init; } = true;
}

/// <summary>A client that was just registered.</summary>
/// <param name="Client">The client.</param>
/// <param name="Secret">A confidential client's secret, which nobody can read again; <see langword="null"/> for a public one.</param>
public sealed record NewClient(RegisteredClient Client, string? Secret)
{
    /// <inheritdoc />
    public override string ToString() => Client.Id;
}
