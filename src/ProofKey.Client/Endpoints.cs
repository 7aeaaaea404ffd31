using System.Diagnostics.CodeAnalysis;

namespace ProofKey.Client;

/// <summary>
/// Reads the addresses in metadata. Only one that was parsed and is http(s) ever reaches a browser or a request: no file:, no other program's scheme.
/// </summary>
/// <param name="issuer">Whose they are.</param>
/// <param name="misshapen">The members that had a wrong type.</param>
internal readonly struct Endpoints(Issuer issuer, IReadOnlyList<string> misshapen)
{
    /// <summary>A member has another type than RFC 8414 says.</summary>
    public static ProtocolViolationException Malformed(string name) =>
        new("malformed_metadata", $"metadata with {name} as RFC 8414 section 2 describes it", $"{name} is missing or has the wrong type");

    /// <exception cref="ProtocolViolationException">It is missing, or no address that may be used.</exception>
    public Uri Required(string name, string? address) => Optional(name, address)
        ?? throw new ProtocolViolationException("endpoint_missing", $"metadata with {name}", "it has none");

    /// <exception cref="ProtocolViolationException">It is no address that may be used.</exception>
    public Uri? Optional(string name, string? address)
    {
        if (misshapen.Contains(name)) throw Malformed(name);
        if (string.IsNullOrEmpty(address)) return null;
        return TryParse(address, out var uri) ? uri : throw NoAddress(name, address);
    }

    /// <summary>One that a browser is sent to, as <see cref="BrowserAddress"/> writes it.</summary>
    /// <exception cref="ProtocolViolationException">It is missing, or no address that may be used.</exception>
    public Uri RequiredForBrowser(string name, string? address) => BrowserAddress.TryMake(Required(name, address), out var plain) ? plain : throw NoAddress(name, address);

    /// <summary>Whether it is an address that may be used.</summary>
    public bool TryParse(string? address, [NotNullWhen(true)] out Uri? uri) =>
        Uri.TryCreate(address, UriKind.Absolute, out uri) && IsSafe(uri) && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0;

    private static ProtocolViolationException NoAddress(string name, string? address) =>
        new("endpoint_address", $"{name} as an https address", $"{name} is {ServerText.Shown(address)}");

    // http only between a loopback issuer and loopback endpoints
    private bool IsSafe(Uri uri) => Issuer.IsHttpsOrLoopback(uri) && (uri.Scheme == Uri.UriSchemeHttps || !issuer.IsHttps);
}
