using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Server.Protocol;

/// <summary>
/// A token that a client signed to prove who it is (RFC 7523 section 3, OpenID Connect Core section 9), after every check but the last:
/// whether it was used before, which only the database knows.
/// </summary>
internal sealed record ClientAssertion
{
    /// <summary>How far ahead an assertion may end. One that lives longer is worth stealing, and would have to be remembered for as long.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromMinutes(5);

    private const int MaxIdLength = 200;

    // A proof of possession or an access token, signed by the same key, is no assertion (RFC 8725 section 3.11).
    private static readonly string[] Types = ["JWT", "client-authentication+jwt"];

    private ClientAssertion(byte[] id, DateTimeOffset endsAt) => (Id, EndsAt) = (id, endsAt);

    /// <summary>What a client reads of an assertion that is not good.</summary>
    public static OAuthError NotGood { get; } = OAuthError.InvalidClient(
        "The client_assertion is not good: sign a new one by a registered key with ES256, RS256 or PS256, with iss and sub the client_id, aud the issuer, a new jti, and exp at most 5 minutes ahead.");

    /// <summary>What tells it apart for ever: the digest of client and <c>jti</c>.</summary>
    public byte[] Id { get; }

    /// <summary>Until when a second use must be noticed.</summary>
    public DateTimeOffset EndsAt { get; }

    /// <summary>Whose assertion this claims to be, to find the keys that must have signed it. Nothing else may be concluded from it.</summary>
    public static string? ClaimedSubject(string text)
    {
        var parts = text.Length <= Jws.MaxLength ? text.Split('.') : [];
        if (parts.Length != 3 || !Base64UrlText.TryDecode(parts[1], out var payload)) return null;
        try
        {
            var claims = JsonElement.Parse(payload, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            return claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty("sub", out var subject) && subject.ValueKind == JsonValueKind.String ? subject.GetString() : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Checks an assertion.</summary>
    /// <param name="text">The token.</param>
    /// <param name="clientId">The client whose keys they are.</param>
    /// <param name="keys">The client's keys.</param>
    /// <param name="audiences">The names by which the client may mean us.</param>
    /// <param name="now">The time.</param>
    /// <returns>The assertion, or what is wrong with it, for the log.</returns>
    public static (ClientAssertion? Assertion, JwtProblem? Problem) Check(string text, string clientId, JwkSet keys, IReadOnlyList<string> audiences, DateTimeOffset now)
    {
        // RFC 7523 section 3, item 1 and 2: iss and sub are the client
        var expected = new JwtExpectations { Issuer = clientId };
        if (!Jwt.Verify(text, keys, expected, now).TryGet(out var token, out var problem)) return (null, problem);
        return Problem(token, clientId, audiences, now) is { } wrong
            ? (null, new JwtProblem(JwtProblem.Claim, wrong))
            : (new ClientAssertion(Secret.Digest($"{clientId}\n{token.Text("jti")}")[..16], token.ExpiresAt + JwtExpectations.MaxClockSkew), null);
    }

    private static string? Problem(Jwt token, string clientId, IReadOnlyList<string> audiences, DateTimeOffset now)
    {
        if (token.Type is { } type && !Types.Contains(type, StringComparer.OrdinalIgnoreCase)) return "It is another kind of token (typ).";
        if (token.Subject != clientId) return "The subject (sub) is not the client.";
        // RFC 7523 section 3, item 3: it is for us
        if (!token.Audiences.Any(audience => audiences.Contains(audience, StringComparer.Ordinal))) return "It is for somebody else (aud).";
        // RFC 7523 section 3, item 4: one that ends unreasonably far ahead may be refused
        if (token.ExpiresAt > now + MaxLifetime + JwtExpectations.MaxClockSkew) return "It ends too far ahead (exp).";
        if (token.IssuedAt > now + JwtExpectations.MaxClockSkew) return "It was made in the future (iat).";
        // OpenID Connect Core section 9: jti is required, and used once
        return token.Text("jti") is { Length: > 0 and <= MaxIdLength } ? null : "It has no usable id (jti).";
    }
}
