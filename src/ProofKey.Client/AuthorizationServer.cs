using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>An authorization server as a session needs it: what it says of signing in was not looked at.</summary>
/// <param name="Token">Where refresh tokens are redeemed, and codes.</param>
/// <param name="Keys">What ID tokens are signed with; it is there where <c>openid</c> is asked for.</param>
/// <param name="EndSession">Where its own session is ended in a browser.</param>
/// <param name="Issuers">Which issuer its ID tokens name.</param>
/// <param name="Metadata">What it says of itself.</param>
/// <param name="Endpoints">What reads the addresses in it.</param>
internal record AuthorizationServer(Uri Token, Uri? Keys, Uri? EndSession, IssuerRule Issuers, DiscoveredMetadata Metadata, Endpoints Endpoints)
{
    /// <summary>Where claims about the person are. No renewal needs it, so it is checked for who does.</summary>
    /// <exception cref="ProtocolViolationException">It is no address that may be used.</exception>
    public Uri? UserInfo => Endpoints.Optional("userinfo_endpoint", Metadata.UserinfoEndpoint);

    /// <summary>Where tokens are revoked, checked likewise.</summary>
    /// <exception cref="ProtocolViolationException">It is no address that may be used.</exception>
    public Uri? Revocation => Endpoints.Optional("revocation_endpoint", Metadata.RevocationEndpoint);
}
