namespace ProofKey.Client;

/// <summary>What a person copied out of a browser's address bar, made an address again.</summary>
internal static class PastedCallback
{
    /// <summary>Reads the whole address, one without its scheme, as some browsers show it, or its query alone.</summary>
    /// <param name="text">What was pasted.</param>
    /// <param name="redirectUri">Where the answer of this sign-in goes.</param>
    /// <returns>The address, or <see langword="null"/> when it is none.</returns>
    public static Uri? Read(string text, string redirectUri)
    {
        // A terminal breaks long lines, a mail puts quotes or brackets around them.
        var plain = string.Concat(text.Where(character => !char.IsWhiteSpace(character) && !char.IsControl(character))).Trim('"', '\'', '<', '>');
        if (plain.Length == 0) return null;
        // In a query, slashes and colons come in values alone, as in some servers' codes and in iss.
        if (plain.StartsWith('?') || (plain.IndexOf('=', StringComparison.Ordinal) is > 0 and var first && plain.AsSpan(0, first).IndexOfAny('/', '?', ':') < 0))
            plain = $"{redirectUri}?{plain.TrimStart('?')}";
        else if (new Uri(redirectUri) is { Scheme: "http" } own && plain.StartsWith(own.Authority, StringComparison.OrdinalIgnoreCase))
            plain = $"http://{plain}";
        return Uri.TryCreate(plain, UriKind.Absolute, out var address) ? address : null;
    }
}
