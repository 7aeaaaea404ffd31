using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>The rules for an access token that is a JWT (RFC 9068 section 4).</summary>
internal static class AccessTokenVerifier
{
    // RFC 9068 section 2.2; iss, aud and exp are compared, so they cannot be missing.
    private static readonly string[] RequiredTexts = ["sub", "client_id", "jti"];

    /// <summary>The token is bound to a key and came as a bearer token, or is bound in a way that is not understood.</summary>
    public const string Bound = "bound";

    /// <summary>The token is bound to no key, and a bound one is needed.</summary>
    public const string Unbound = "unbound";

    public static bool TryVerify(
        string token,
        JwkSet keys,
        JwtExpectations expected,
        DateTimeOffset now,
        bool isDpop,
        [NotNullWhen(true)] out Jwt? accepted,
        [NotNullWhen(false)] out JwtProblem? problem)
    {
        accepted = null;
        if (!Jwt.Verify(token, keys, expected, now).TryGet(out var jwt, out problem)) return false;
        problem = ProblemOf(jwt, isDpop);
        if (problem is null) accepted = jwt;
        return accepted is not null;
    }

    /// <summary>The thumbprint of the key that a token is bound to (RFC 9449 section 6.1), or <see langword="null"/>.</summary>
    public static string? ThumbprintOf(Jwt jwt) =>
        jwt.Claims.TryGetProperty("cnf", out var confirmation) && confirmation.ValueKind == JsonValueKind.Object
        && confirmation.TryGetProperty("jkt", out var thumbprint) && thumbprint.ValueKind == JsonValueKind.String ? thumbprint.GetString() : null;

    private static JwtProblem? ProblemOf(Jwt jwt, bool isDpop)
    {
        var isBound = jwt.Claims.TryGetProperty("cnf", out _);
        // RFC 9449 section 7.2: a bound token is no bearer token; RFC 8705 section 3 likewise.
        if (!isDpop && isBound) return new(Bound, "The token is bound to a key (cnf) and was presented as a bearer token.");
        // RFC 9449 section 7.1: and a token that is bound to no key, or in another way, is no DPoP token.
        if (isDpop && ThumbprintOf(jwt) is null) return isBound ? new(Bound, "The token is bound (cnf), and not to a DPoP key.") : new(Unbound, "The token is bound to no key and was presented as a DPoP token.");
        foreach (var name in RequiredTexts)
            if (string.IsNullOrEmpty(jwt.Text(name))) return new(JwtProblem.Claim, $"The claim {name} is missing or not a text.");
        return jwt.IssuedAt is null ? new(JwtProblem.Claim, "The claim iat is missing.") : null;
    }
}
