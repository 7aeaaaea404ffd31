using System.Text;

namespace ProofKey.Jose;

/// <summary>Whether two texts are the same http address (RFC 9449 section 4.3, RFC 3986 section 6.2.2 and section 6.2.3).</summary>
internal static class HttpAddress
{
    private const int MaxLength = 2048;

    /// <summary>Compares without query and fragment; case of scheme and host, a default port and needless escapes make no difference.</summary>
    public static bool AreSame(string? left, string right)
    {
        if (string.IsNullOrEmpty(left) || left.Length > MaxLength) return false;
        return left == right || (Normal(left) is { } normal && normal == Normal(right));
    }

    private static string? Normal(string text)
    {
        if (!Ascii.IsValid(text) || !Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http") || address.UserInfo.Length > 0) return null;
        return address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) + UpperCaseEscapes(address.AbsolutePath);
    }

    // RFC 3986 section 6.2.2: %2f and %2F are the same
    private static string UpperCaseEscapes(string path)
    {
        if (!path.Contains('%', StringComparison.Ordinal)) return path;
        var characters = path.ToCharArray();
        for (var i = 0; i + 2 < characters.Length; i++)
        {
            if (characters[i] != '%') continue;
            characters[i + 1] = char.ToUpperInvariant(characters[i + 1]);
            characters[i + 2] = char.ToUpperInvariant(characters[i + 2]);
        }
        return new string(characters);
    }
}
