using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>An authorization server as a session needs it: what it says of signing in was not looked at.</summary>
/// <param name="Token">Where refresh tokens are redeemed, and codes.</param>
/// <param name="Keys">What ID tokens are signed with; it is there where <c>openid</c> is asked for.</param>
/// <param name="UserInfo">Where claims about the person are.</param>
/// <param name="Revocation">Where tokens are revoked.</param>
/// <param name="EndSession">Where its own session is ended in a browser.</param>
/// <param name="Issuers">Which issuer its ID tokens name.</param>
internal record AuthorizationServer(Uri Token, Uri? Keys, Uri? UserInfo, Uri? Revocation, Uri? EndSession, IssuerRule Issuers);
