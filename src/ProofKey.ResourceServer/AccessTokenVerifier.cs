using System.Diagnostics.CodeAnalysis;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>The rules for an access token that is a JWT (RFC 9068 section 4).</summary>
internal static class AccessTokenVerifier
{
    // RFC 9068 section 2.2; iss, aud and exp are compared, so they cannot be missing.
    private static readonly string[] RequiredTexts = ["sub", "client_id", "jti"];

    /// <summary>The token is bound to a key and came without the proof.</summary>
    public const string Bound = "bound";

    public static bool TryVerify(
        string token,
        JwkSet keys,
        JwtExpectations expected,
        DateTimeOffset now,
        [NotNullWhen(true)] out Jwt? accepted,
        [NotNullWhen(false)] out JwtProblem? problem)
    {
        accepted = null;
        if (!Jwt.Verify(token, keys, expected, now).TryGet(out var jwt, out problem)) return false;
        problem = ProblemOf(jwt);
        if (problem is null) accepted = jwt;
        return accepted is not null;
    }

    private static JwtProblem? ProblemOf(Jwt jwt)
    {
        // RFC 9449 section 7.2: a bound token is no bearer token; RFC 8705 section 3 likewise.
        if (jwt.Claims.TryGetProperty("cnf", out _)) return new(Bound, "The token is bound to a key (cnf) and was presented as a bearer token.");
        foreach (var name in RequiredTexts)
            if (string.IsNullOrEmpty(jwt.Text(name))) return new(JwtProblem.Claim, $"The claim {name} is missing or not a text.");
        return jwt.IssuedAt is null ? new(JwtProblem.Claim, "The claim iat is missing.") : null;
    }
}
