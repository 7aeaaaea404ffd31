using System.Text.Json;
using System.Text.Unicode;

namespace ProofKey.Jose;

/// <summary>
/// JSON objects from strangers: valid UTF-8, no duplicate members at any depth, bounded depth, no comments, no text that is not Unicode.
/// </summary>
internal static class StrictJson
{
    public static bool TryParseObject(ReadOnlySpan<byte> utf8Json, int maxDepth, out JsonElement json)
    {
        json = default;
        if (!Utf8.IsValid(utf8Json) || !EscapesAreUnicode(utf8Json, maxDepth)) return false;
        try
        {
            json = JsonElement.Parse(utf8Json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = maxDepth });
            return json.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Reads a member that may be absent but is a text where it is there.</summary>
    public static bool TryText(this JsonElement json, string name, out string? text)
    {
        text = null;
        if (!json.TryGetProperty(name, out var value)) return true;
        if (value.ValueKind != JsonValueKind.String) return false;
        text = value.GetString();
        return true;
    }

    // RFC 8259 section 8.2: half of a surrogate pair, as an escape, is no character; the platform throws when such a text is read.
    private static bool EscapesAreUnicode(ReadOnlySpan<byte> utf8Json, int maxDepth)
    {
        if (utf8Json.IndexOf("\\u"u8) < 0) return true;
        try
        {
            var reader = new Utf8JsonReader(utf8Json, new JsonReaderOptions { MaxDepth = maxDepth });
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped) _ = reader.GetString();
            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
