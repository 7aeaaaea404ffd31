using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Cli.Output;

/// <summary>What a JWT says, for people to look at. Nothing of it was checked, so nothing may be decided by it.</summary>
internal sealed class DecodedToken
{
    private const int MaxLength = 64 * 1024;
    private const int MaxDepth = 64;

    // RFC 7519 section 4.1 and OpenID Connect Core section 2: the claims that are times
    private static readonly string[] TimeClaims = ["exp", "iat", "nbf", "auth_time"];

    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonElement _header;
    private readonly JsonElement _claims;

    private DecodedToken(JsonElement header, JsonElement claims) => (_header, _claims) = (header, claims);

    /// <summary>Reads the parts of a token (RFC 7515 section 7.1).</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out DecodedToken? token, [NotNullWhen(false)] out string? problem)
    {
        token = null;
        string[] parts = text.Length > MaxLength ? [] : text.Split('.');
        problem = text.Length > MaxLength ? "That is too long for a token."
            : text.StartsWith('{') ? "That is JSON, and not the token in it, which proofkey token prints alone."
            : parts.Length == 5 && IsEncrypted(parts[0]) ? "That is an encrypted token, which only its recipient can read."
            : parts.Length != 3 ? "That is not a JWT: it has not three parts with dots between." : null;
        if (problem is not null) return false;
        if (Json(parts[0]) is { } header && Json(parts[1]) is { } claims) token = new DecodedToken(header, claims);
        else problem = "That is not a JWT: its parts are not base64url of JSON objects, in Unicode and with each member once.";
        return token is not null;
    }

    /// <summary>Writes header, claims and times; the signature stays out.</summary>
    public void WriteTo(TextWriter writer, DateTimeOffset now)
    {
        writer.WriteLine($"header {Pretty(_header)}");
        writer.WriteLine($"claims {Pretty(_claims)}");
        foreach (var line in Times(now)) writer.WriteLine(line);
    }

    /// <summary>Whether nothing protects what it says (RFC 7515 section 8).</summary>
    public bool IsUnsigned => _header.TryGetProperty("alg", out var alg) && Text(alg) is { } name && name.Equals("none", StringComparison.OrdinalIgnoreCase);

    /// <summary>The header as indented JSON.</summary>
    public string Header => Pretty(_header);

    /// <summary>The claims as indented JSON.</summary>
    public string Claims => Pretty(_claims);

    /// <summary>The audience: one, or several (RFC 7519 section 4.1.3).</summary>
    public IReadOnlyList<string> Audiences =>
        !_claims.TryGetProperty("aud", out var aud) ? []
        : aud.ValueKind == JsonValueKind.Array ? [.. aud.EnumerateArray().Select(Text).OfType<string>()]
        : Text(aud) is { } one ? [one] : [];

    /// <summary>The claims that are times, one line each.</summary>
    public IEnumerable<string> Times(DateTimeOffset now)
    {
        foreach (var name in TimeClaims)
            if (_claims.TryGetProperty(name, out var claim) && claim.ValueKind == JsonValueKind.Number && claim.TryGetDouble(out var seconds) && seconds is > -62e9 and < 253e9)
                yield return $"{name,-10}{TimeText.Of(At(seconds))} ({TimeText.Relative(At(seconds), now)})";
    }

    // RFC 7516 section 4.1.2
    private static bool IsEncrypted(string header) => Json(header)?.TryGetProperty("enc", out _) == true;

    private static string? Text(JsonElement json) => json.ValueKind == JsonValueKind.String ? json.GetString() : null;

    private static DateTimeOffset At(double seconds) => DateTimeOffset.UnixEpoch.AddSeconds(seconds);

    private static JsonElement? Json(string part) => Base64UrlText.TryDecode(part, out var bytes) && StrictJson.TryParseObject(bytes, MaxDepth, out var json) ? json : null;

    // The relaxed encoder lets format characters through, which could reorder what a person reads.
    private static string Pretty(JsonElement json)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Indented)) json.WriteTo(writer);
        return string.Join('\n', Encoding.UTF8.GetString(stream.ToArray()).Split('\n').Select(PlainText.Of));
    }
}
