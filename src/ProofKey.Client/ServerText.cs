using System.Text;

namespace ProofKey.Client;

/// <summary>
/// Text that a server sent, made fit for a message: printable ASCII, short, and without anything secret that the server may have echoed.
/// </summary>
internal static class ServerText
{
    private const int MaxLength = 200;

    /// <summary>A value as it may stand in a message.</summary>
    public static string Shown(string? text, params ReadOnlySpan<string?> secrets)
    {
        if (string.IsNullOrEmpty(text)) return "nothing";
        foreach (var secret in secrets)
            if (!string.IsNullOrEmpty(secret)) text = text.Replace(secret, "[redacted]", StringComparison.Ordinal);
        var shown = new StringBuilder(Math.Min(text.Length, MaxLength));
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, MaxLength)))
            shown.Append(character is >= ' ' and <= '~' and not ('"' or '\\') ? character : '?');
        return (text.Length > MaxLength ? shown.Append("...") : shown).ToString();
    }

    /// <summary>A refusal as it may be shown (RFC 6749 section 4.1.2.1 and section 5.2).</summary>
    public static OAuthError Error(string code, string? description, params ReadOnlySpan<string?> secrets) =>
        new(Shown(code, secrets), string.IsNullOrEmpty(description) ? "The server gave no description." : Shown(description, secrets));
}
