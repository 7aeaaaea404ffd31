using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>
/// A token whose signature and claims were checked (RFC 7519). There is no other way to get one than <see cref="Verify"/>, so whoever
/// holds one need not ask again.
/// </summary>
public sealed class Jwt
{
    private const int MaxDepth = 32;

    private Jwt(UnverifiedJws jws, JsonElement claims, RegisteredClaims registered)
    {
        Type = jws.Type;
        KeyId = jws.KeyId;
        Claims = claims;
        Issuer = registered.Issuer;
        Subject = registered.Subject;
        Audiences = registered.Audiences;
        ExpiresAt = registered.ExpiresAt;
        NotBefore = registered.NotBefore;
        IssuedAt = registered.IssuedAt;
    }

    /// <summary>Who made the token (<c>iss</c>).</summary>
    public string Issuer { get; }

    /// <summary>Whom the token is about (<c>sub</c>).</summary>
    public string? Subject { get; }

    /// <summary>Whom the token is for (<c>aud</c>); empty where it does not say.</summary>
    public IReadOnlyList<string> Audiences { get; }

    /// <summary>When the token ends (<c>exp</c>).</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>When the token was made (<c>iat</c>).</summary>
    public DateTimeOffset? IssuedAt { get; }

    /// <summary>From when on the token is good (<c>nbf</c>).</summary>
    public DateTimeOffset? NotBefore { get; }

    /// <summary>What kind of token it is (the header's <c>typ</c>).</summary>
    public string? Type { get; }

    /// <summary>Which key signed it (the header's <c>kid</c>).</summary>
    public string? KeyId { get; }

    /// <summary>All claims: a JSON object without duplicate members.</summary>
    public JsonElement Claims { get; }

    /// <summary>Signs claims.</summary>
    /// <param name="key">The key.</param>
    /// <param name="typ">The kind of token for its header, such as <c>at+jwt</c>: one of a few fixed texts.</param>
    /// <param name="writeClaims">Writes the claims; the writer is inside the object.</param>
    /// <returns>The token.</returns>
    public static string Sign(SigningKey key, string typ, Action<Utf8JsonWriter> writeClaims)
    {
        ArgumentNullException.ThrowIfNull(writeClaims);
        return Sign(key, typ, writeClaims, static (writer, write) => write(writer));
    }

    /// <summary>Signs claims, without a closure for what they are made of.</summary>
    /// <typeparam name="TFacts">The type of the facts.</typeparam>
    /// <param name="key">The key.</param>
    /// <param name="typ">The kind of token for its header, such as <c>at+jwt</c>: one of a few fixed texts.</param>
    /// <param name="facts">What the claims are made of.</param>
    /// <param name="writeClaims">Writes the claims; the writer is inside the object.</param>
    /// <returns>The token.</returns>
    public static string Sign<TFacts>(SigningKey key, string typ, TFacts facts, Action<Utf8JsonWriter, TFacts> writeClaims)
    {
        ArgumentNullException.ThrowIfNull(writeClaims);
        var scratch = JsonScratch.Take();
        scratch.Writer.WriteStartObject();
        writeClaims(scratch.Writer, facts);
        scratch.Writer.WriteEndObject();
        scratch.Writer.Flush();
        var token = Jws.Sign(key, typ, scratch.Written);
        scratch.GiveBack();
        return token;
    }

    /// <summary>Checks a token (RFC 7519 section 7.2, RFC 8725 section 3).</summary>
    /// <param name="token">The token as it came; <see langword="null"/> is malformed.</param>
    /// <param name="keys">The keys of its issuer.</param>
    /// <param name="expected">What it must say.</param>
    /// <param name="now">The time to compare with.</param>
    /// <returns>The token, or the first check that failed.</returns>
    public static JwtResult Verify(string? token, JwkSet keys, JwtExpectations expected, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(expected);
        // 1. The form.
        if (!Jws.TryRead(token, out var jws, out var malformed)) return new(new JwtProblem(JwtProblem.Malformed, malformed));
        // 2. The algorithm, then the key, then the signature.
        if (!jws.Verify(keys, expected.Algorithms, out var payload, out var problem)) return new(problem);
        // 3. The kind of token: an ID token is not an access token, whoever signed it (RFC 8725 section 3.11).
        if (!MediaType.IsOneOf(jws.Type, expected.Types)) return new(new JwtProblem(JwtProblem.Type, "The token is of another kind (typ)."));
        // 4. The claims: well-formed, then as expected.
        if (!StrictJson.TryParseObject(payload, MaxDepth, out var claims))
            return new(new JwtProblem(JwtProblem.Malformed, "The token's payload is not a JSON object without duplicate members."));
        if (!RegisteredClaims.TryRead(claims, out var registered, out problem)) return new(problem);
        return registered.Problem(expected, now) is { } unmet ? new(unmet) : new(new Jwt(jws, claims, registered));
    }

    /// <summary>A claim that is a text.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The text, or <see langword="null"/> where there is none or the claim is something else.</returns>
    public string? Text(string name) => Claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A claim that is a whole number.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The number, or <see langword="null"/> where there is none, or the claim is something else or beyond 64 bits.</returns>
    public long? Number(string name) =>
        Claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    /// <summary>A claim that is true or false.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The value, or <see langword="null"/> where there is none or the claim is something else.</returns>
    public bool? Boolean(string name) =>
        Claims.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : null;

    /// <summary>Names the type alone: tokens never reach a log by being printed.</summary>
    /// <returns>A fixed text.</returns>
    public override string ToString() => nameof(Jwt);
}
