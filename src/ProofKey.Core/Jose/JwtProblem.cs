namespace ProofKey.Jose;

/// <summary>Why a token is not accepted.</summary>
/// <param name="Code">One of the constants of this type; it never changes.</param>
/// <param name="Message">A sentence for a log. It holds nothing of the token.</param>
public sealed record JwtProblem(string Code, string Message)
{
    /// <summary>The text does not have the form of a signed token.</summary>
    public const string Malformed = "malformed";

    /// <summary>The algorithm is not allowed.</summary>
    public const string Algorithm = "algorithm";

    /// <summary>No key of the issuer fits; fetching its keys once more may help.</summary>
    public const string UnknownKey = "unknown_key";

    /// <summary>The signature is wrong.</summary>
    public const string Signature = "signature";

    /// <summary>The header's <c>typ</c> is another one: a token of another kind.</summary>
    public const string Type = "type";

    /// <summary>Another issuer made the token.</summary>
    public const string Issuer = "issuer";

    /// <summary>The token is for somebody else.</summary>
    public const string Audience = "audience";

    /// <summary>The token has ended.</summary>
    public const string Expired = "expired";

    /// <summary>The token is not good yet.</summary>
    public const string NotYetValid = "not_yet_valid";

    /// <summary>A claim is missing or malformed.</summary>
    public const string Claim = "claim";
}
