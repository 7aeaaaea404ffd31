using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;

namespace ProofKey;

/// <summary>
/// The address that names an authorization server (RFC 8414 section 2): https, or http on a loopback host; no query, no fragment, no
/// user. It is kept to the character, since it is compared to the character everywhere (RFC 9207 section 2.4).
/// </summary>
public sealed class Issuer : IEquatable<Issuer>
{
    private readonly Uri _address;

    private Issuer(string value, Uri address)
    {
        Value = value;
        _address = address;
    }

    /// <summary>The issuer exactly as it was given.</summary>
    public string Value { get; }

    /// <summary>Scheme, host and port, as a browser writes them in an <c>Origin</c> header.</summary>
    public string Origin => _address.GetLeftPart(UriPartial.Authority);

    /// <summary>The path without a slash at its end; empty for an issuer without a path.</summary>
    public string Path => _address.AbsolutePath.TrimEnd('/');

    /// <summary>Whether the scheme is https.</summary>
    public bool IsHttps => _address.Scheme == Uri.UriSchemeHttps;

    /// <summary>Where RFC 8414 section 3.1 puts the metadata: the well-known part between host and path.</summary>
    public Uri MetadataAddress => new($"{Origin}/.well-known/oauth-authorization-server{Path}");

    /// <summary>Where OpenID Connect Discovery section 4 puts the metadata: the well-known part after the path.</summary>
    public Uri OpenIdConfigurationAddress => new($"{Origin}{Path}/.well-known/openid-configuration");

    /// <summary>Reads an issuer.</summary>
    /// <param name="text">The address.</param>
    /// <param name="issuer">The issuer, or <see langword="null"/>.</param>
    /// <param name="problem">What is wrong with the address, as a sentence with the remedy; <see langword="null"/> when nothing is.</param>
    /// <returns>Whether the address can be an issuer.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Issuer? issuer, [NotNullWhen(false)] out string? problem)
    {
        issuer = null;
        problem = null;
        if (string.IsNullOrEmpty(text) || !Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http"))
            problem = "An issuer is an absolute https address, such as https://login.example.com.";
        else if (!Ascii.IsValid(text))
            problem = InAscii(address) is { } host ? $"An issuer is written in ASCII; did you mean {address.Scheme}://{host}?" : "An issuer is written in ASCII, and this host has no such form.";
        else if (!IsHttpsOrLoopback(address))
            problem = "An issuer must be https; http is allowed on a loopback host only.";
        else if (address.UserInfo.Length > 0 || text.Contains('@', StringComparison.Ordinal))
            problem = "An issuer has no user name in it.";
        else if (text.Contains('?', StringComparison.Ordinal) || text.Contains('#', StringComparison.Ordinal))
            problem = "An issuer has no query and no fragment.";
        else if (address.AbsoluteUri != text && address.AbsoluteUri != text + "/")
            problem = $"An issuer is written in its normal form; did you mean {address.AbsoluteUri}?";
        else
            issuer = new Issuer(text, address);
        return issuer is not null;
    }

    private static string? InAscii(Uri address)
    {
        try
        {
            return address.IdnHost;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }

    /// <summary>Reads an issuer.</summary>
    /// <param name="text">The address.</param>
    /// <returns>The issuer.</returns>
    /// <exception cref="FormatException">The address cannot be an issuer; the message says why.</exception>
    public static Issuer Parse(string text) => TryParse(text, out var issuer, out var problem) ? issuer : throw new FormatException(problem);

    /// <summary>The address of an endpoint below the issuer.</summary>
    /// <param name="path">The path, with a slash at its start.</param>
    /// <returns>The absolute address.</returns>
    public string Endpoint(string path) => $"{Origin}{Path}{path}";

    /// <inheritdoc />
    public bool Equals(Issuer? other) => other is not null && string.Equals(Value, other.Value, StringComparison.Ordinal);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as Issuer);

    /// <inheritdoc />
    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc />
    public override string ToString() => Value;

    // Whether an absolute address is https, or http that never leaves this machine.
    internal static bool IsHttpsOrLoopback(Uri address) =>
        address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && IsLoopback(address));

    internal static bool IsLoopback(Uri address) =>
        address.Host == "localhost" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
