using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>
/// The rules for redeeming a code, in order. Whether it was used before is asked last, by the INSERT: only who proved possession may set
/// off the alarm (OAuth 2.1 section 7.5.2), so a stranger who saw the code can neither burn it nor sign anyone out.
/// </summary>
internal static class AuthorizationCodeGrant
{
    internal static readonly IReadOnlyList<Rule> Rules =
    [
        new("issued to this client", IssuedToThisClient),
        new("not expired", NotExpired),
        new("same redirect URI", SameRedirectUri),
        new("tries left", TriesLeft),
        new("verifier is well-formed and matches", VerifierMatches),
        new("by the key that the code is bound to", ByItsKey),
    ];

    internal sealed record Rule(string Name, Func<CodeRequest, Refusal?> Check);

    /// <summary>What the rules look at.</summary>
    internal sealed record CodeRequest(Parameters Form, RegisteredClient Client, AuthorizationCode Code, bool TriesAreUsedUp, byte[]? Thumbprint, DateTimeOffset Now);

    /// <summary>Applies the rules to a code whose seal opened.</summary>
    /// <returns>The first refusal, or <see langword="null"/> when the caller has proved possession.</returns>
    public static Refusal? Check(CodeRequest request)
    {
        foreach (var rule in Rules)
            if (rule.Check(request) is { } refusal) return refusal;
        return null;
    }

    // RFC 6749 section 4.1.3: the code was issued to this client
    private static Refusal? IssuedToThisClient(CodeRequest request) => request.Code.ClientId == request.Client.Id
        ? null
        : new Refusal(NotGood, "The code was issued to another client.");

    // RFC 6749 section 4.1.2: codes are short-lived, and none outlives the session whose grant it would make
    private static Refusal? NotExpired(CodeRequest request) => request.Now < request.Code.ExpiresAt && request.Now < request.Code.GrantExpiresAt
        ? null
        : new Refusal(NotGood, "The code has expired.");

    // RFC 6749 section 4.1.3: the same redirect URI, when it is sent; strict clients must send it
    private static Refusal? SameRedirectUri(CodeRequest request)
    {
        if (request.Form["redirect_uri"] is not { } redirectUri)
            return request.Client.IsStrict ? OAuthError.InvalidRequest("This client is registered as strict: it must repeat the redirect_uri here.") : null;
        return Secret.AreEqual(AuthorizationCode.DigestOf(redirectUri), request.Code.RedirectUriDigest)
            ? null
            : new Refusal(OAuthError.InvalidGrant("The redirect_uri is not the one of the authorization request."), "Another redirect URI was sent.");
    }

    private static Refusal? TriesLeft(CodeRequest request) => request.TriesAreUsedUp
        ? new Refusal(NotGood, "Too many wrong verifiers for this code from this address.")
        : null;

    private static Refusal? VerifierMatches(CodeRequest request)
    {
        if (request.Form["code_verifier"] is not { } text)
            return new Refusal(OAuthError.InvalidGrant("The request must have the code_verifier whose challenge was sent to the authorization endpoint."), "No verifier was sent.");
        // RFC 7636 section 4.1: equality of digests alone would let a one-letter verifier pass
        if (!CodeVerifier.TryParse(text, out var verifier))
            return OAuthError.InvalidRequest("The code_verifier must have 43 to 128 characters out of A-Z, a-z, 0-9, hyphen, dot, underscore and tilde.");
        // RFC 7636 section 4.6
        return verifier.Matches(request.Code.Challenge) ? null : WrongVerifier;
    }

    // RFC 9449 section 10: a code that was asked for with dpop_jkt is redeemed with a proof by that key
    private static Refusal? ByItsKey(CodeRequest request)
    {
        if (request.Code.DpopThumbprint is not { } bound) return null;
        if (request.Thumbprint is null) return OAuthError.InvalidDpopProof("The code is bound to a key (dpop_jkt): redeem it with a DPoP proof by that key.");
        return Secret.AreEqual(request.Thumbprint, bound) ? null : OAuthError.InvalidGrant("The code is bound to another key (dpop_jkt) than the one of the DPoP proof.");
    }

    /// <summary>The one refusal that counts as a try.</summary>
    internal static readonly Refusal WrongVerifier =
        new(OAuthError.InvalidGrant("The code_verifier does not belong to this code."), "The verifier does not match the challenge.");

    /// <summary>What a client reads of a code that is unknown, expired, used or another's: the same for all.</summary>
    internal static OAuthError NotGood { get; } = OAuthError.InvalidGrant("The code is not good: it is unknown, expired, used, or was issued to another client. Start a new authorization request.");
}
