using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace ProofKey.Client;

/// <summary>
/// Writes an address that others chose so that what opens or shows it finds nothing in it but an address: a launcher may be a script, and what it starts a shell or
/// PowerShell, which evaluates <c>$(…)</c> in its quotes (CVE-2025-6514).
/// </summary>
internal static class BrowserAddress
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    // RFC 3986 section 2.3, and the % of what is encoded already
    private const string Unreserved = Letters + "-._~%";

    private static readonly SearchValues<char> InHost = SearchValues.Create(Letters + "-._");
    private static readonly SearchValues<char> InPath = SearchValues.Create(Unreserved + "/:@,+=");
    private static readonly SearchValues<char> InQuery = SearchValues.Create(Unreserved + "&=+/:@,?");
    private static readonly SearchValues<char> InFragment = SearchValues.Create(Unreserved + "/?:@,+=&!");

    /// <summary>
    /// The same address in letters, digits and the few marks that an address cannot do without; everything else is percent-encoded, which changes nothing for the server, and the host
    /// is in ASCII, as the name system knows it: letters of another script, and what cannot be seen, show as what they are.
    /// </summary>
    /// <param name="address">The address.</param>
    /// <param name="plain">The same, or <see langword="null"/>.</param>
    /// <returns>Whether it is an http or https address with a host that can be written so, and without a user's name.</returns>
    public static bool TryMake(Uri address, [NotNullWhen(true)] out Uri? plain)
    {
        plain = null;
        if (!address.IsAbsoluteUri || address.Scheme is not ("https" or "http") || address.UserInfo.Length > 0 || HostOf(address) is not { } host) return false;
        var port = address.IsDefaultPort ? "" : FormattableString.Invariant($":{address.Port}");
        plain = new Uri($"{address.Scheme}://{host}{port}{Encoded(address.AbsolutePath, InPath)}{Part('?', address.Query, InQuery)}{Part('#', address.Fragment, InFragment)}");
        return true;
    }

    // What looks like a wide "$" in a name is one in ASCII. An interface of this machine, as in [fe80::1%eth0], is no part of a server's address.
    private static string? HostOf(Uri address)
    {
        if (address.HostNameType == UriHostNameType.IPv6) return address.Host;
        try
        {
            return address.IdnHost is { Length: > 0 } host && !host.AsSpan().ContainsAnyExcept(InHost) ? host : null;
        }
        catch (UriFormatException)
        {
            // The parser takes names that have no form in ASCII.
            return null;
        }
    }

    private static string Part(char mark, string part, SearchValues<char> kept) => part.Length == 0 ? "" : mark + Encoded(part[1..], kept);

    private static string Encoded(string part, SearchValues<char> kept)
    {
        if (!part.AsSpan().ContainsAnyExcept(kept)) return part;
        var encoded = new StringBuilder(part.Length + 16);
        foreach (var rune in part.EnumerateRunes())
        {
            var text = rune.ToString();
            encoded.Append(text.AsSpan().ContainsAnyExcept(kept) ? Uri.EscapeDataString(text) : text);
        }
        return encoded.ToString();
    }
}
