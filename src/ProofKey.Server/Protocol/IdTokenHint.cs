using ProofKey.Jose;

namespace ProofKey.Server.Protocol;

/// <summary>An ID token of ours that a client sends back, to say whom it means.</summary>
internal static class IdTokenHint
{
    /// <summary>What must hold of it: it is an ID token and no other token of ours, and the time on it is no matter.</summary>
    /// <param name="issuer">Our issuer.</param>
    /// <param name="audience">The client that it must have been issued to; <see langword="null"/> leaves that to the caller.</param>
    // OpenID Connect Core section 3.1.2.1, OpenID Connect RP-Initiated Logout section 4; Back-Channel Logout section 4: the type tells them apart
    public static JwtExpectations Expectations(Issuer issuer, string? audience = null) => new() { Issuer = issuer.Value, Audience = audience, Types = ["JWT"], AllowExpired = true };
}
