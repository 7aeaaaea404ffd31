namespace ProofKey.Jose;

/// <summary>The kinds of token that a <c>typ</c> header names (RFC 7515 section 4.1.9).</summary>
internal static class MediaType
{
    private const string Prefix = "application/";

    /// <summary>Whether a type is on a list; an empty list holds all and none.</summary>
    public static bool IsOneOf(string? type, IReadOnlyList<string> types)
    {
        if (types.Count == 0) return true;
        if (type is null) return false;
        foreach (var expected in types)
            if (Short(type).Equals(Short(expected), StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    // RFC 7515 section 4.1.9: "application/" may be left out where no other slash is in the value.
    private static ReadOnlySpan<char> Short(ReadOnlySpan<char> type) =>
        type.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !type[Prefix.Length..].Contains('/') ? type[Prefix.Length..] : type;
}
