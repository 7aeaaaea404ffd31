using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>The claims that RFC 7519 section 4.1 defines, each of the type that it must have.</summary>
internal sealed record RegisteredClaims
{
    public required string Issuer { get; init; }

    public required string? Subject { get; init; }

    public required string[] Audiences { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public required DateTimeOffset? NotBefore { get; init; }

    public required DateTimeOffset? IssuedAt { get; init; }

    public static bool TryRead(JsonElement claims, [NotNullWhen(true)] out RegisteredClaims? registered, [NotNullWhen(false)] out JwtProblem? problem)
    {
        registered = null;
        problem = null;
        if (!claims.TryText("iss", out var issuer) || issuer is null)
            problem = Malformed("iss is not a text.");
        else if (!claims.TryText("sub", out var subject))
            problem = Malformed("sub is not a text.");
        else if (!TryAudiences(claims, out var audiences))
            problem = Malformed("aud is neither a text nor a list of texts.");
        else if (!TryTime(claims, "exp", out var expiresAt) || expiresAt is null)
            problem = Malformed("exp is not a time in seconds since 1970.");
        else if (!TryTime(claims, "nbf", out var notBefore))
            problem = Malformed("nbf is not a time in seconds since 1970.");
        else if (!TryTime(claims, "iat", out var issuedAt))
            problem = Malformed("iat is not a time in seconds since 1970.");
        else
            registered = new RegisteredClaims
            {
                Issuer = issuer,
                Subject = subject,
                Audiences = audiences,
                ExpiresAt = expiresAt.Value,
                NotBefore = notBefore,
                IssuedAt = issuedAt,
            };
        return registered is not null;
    }

    /// <summary>The first expectation that the claims do not meet, or <see langword="null"/>.</summary>
    public JwtProblem? Problem(JwtExpectations expected, DateTimeOffset now)
    {
        // RFC 8725 section 3.8: to the character, since a slash more is another issuer.
        if (!string.Equals(Issuer, expected.Issuer, StringComparison.Ordinal))
            return new JwtProblem(JwtProblem.Issuer, "Another issuer (iss) made the token.");
        // RFC 7519 section 4.1.3: whoever is not in aud must refuse the token.
        if (expected.Audience is { } audience && !Audiences.Contains(audience, StringComparer.Ordinal))
            return new JwtProblem(JwtProblem.Audience, "The token is for another audience (aud).");
        // RFC 7519 section 4.1.4: on or after exp the token must not be accepted.
        if (!expected.AllowExpired && now - ExpiresAt >= expected.ClockSkew)
            return new JwtProblem(JwtProblem.Expired, "The token has ended (exp).");
        // RFC 7519 section 4.1.5: before nbf it must not be accepted either.
        if (NotBefore is { } notBefore && notBefore - now > expected.ClockSkew)
            return new JwtProblem(JwtProblem.NotYetValid, "The token is not good yet (nbf).");
        return null;
    }

    private static JwtProblem Malformed(string what) => new(JwtProblem.Claim, $"A claim is missing or malformed: {what}");

    private static bool TryAudiences(JsonElement claims, out string[] audiences)
    {
        audiences = [];
        if (!claims.TryGetProperty("aud", out var value)) return true;
        if (value.ValueKind == JsonValueKind.String) audiences = [value.GetString()!];
        else if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            audiences = [.. value.EnumerateArray().Select(item => item.GetString()!)];
        return audiences.Length > 0;
    }

    // RFC 7519 section 2: NumericDate, seconds since 1970, perhaps with a fraction. A year beyond 9999 is no time: 1e308 must not mean "for ever".
    internal static bool TryTime(JsonElement claims, string name, out DateTimeOffset? time)
    {
        time = null;
        if (!claims.TryGetProperty(name, out var value)) return true;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var seconds)) return false;
        if (!(seconds >= 0 && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds())) return false;
        time = DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000));
        return true;
    }
}
