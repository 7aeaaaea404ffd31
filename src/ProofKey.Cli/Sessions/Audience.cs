using ProofKey.Cli.Output;

namespace ProofKey.Cli.Sessions;

/// <summary>Which APIs a token is for, beside the address that it goes to.</summary>
internal static class Audience
{
    /// <summary>Whether an address is that of an API, or below it.</summary>
    public static bool Covers(string api, Uri address) =>
        Uri.TryCreate(api.TrimEnd('/') + '/', UriKind.Absolute, out var root) && root.IsBaseOf(new Uri(address.GetLeftPart(UriPartial.Path).TrimEnd('/') + '/'));

    /// <summary>For whom a token is that goes elsewhere; <see langword="null"/> where it is for that address, or where nobody can tell: a name need not look like the address of its API.</summary>
    /// <param name="said">What the token says of itself; nothing where only its API can read it.</param>
    /// <param name="asked">The APIs that the profile asked for, of which the first has the token unless another is the address's own.</param>
    /// <param name="address">Where it goes.</param>
    public static string? Elsewhere(IReadOnlyList<string> said, IReadOnlyList<string> asked, Uri address)
    {
        if (said.Any(IsAddress) && !said.Any(one => IsOfOrigin(one, address))) return string.Join(" and ", said.Select(PlainText.Of));
        return asked.Any(IsAddress) && !asked.Concat(said).Any(one => Covers(one, address)) ? PlainText.Of(asked[0]) : null;
    }

    private static bool IsAddress(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http";

    private static bool IsOfOrigin(string text, Uri address) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && Uri.Compare(uri, address, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;
}
