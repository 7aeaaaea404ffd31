using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ProofKey;

/// <summary>What kind of address a redirect URI is; the kind decides how far it identifies a client (RFC 8252 section 8.6).</summary>
public enum RedirectUriKind
{
    /// <summary>An https address: whoever owns the host owns the answer.</summary>
    Https,

    /// <summary>http on 127.0.0.1 or [::1]; any port matches (RFC 8252 section 7.3).</summary>
    Loopback,

    /// <summary>http on <c>localhost</c>; matched to the character, port included, since the name may resolve elsewhere (RFC 8252 section 8.3).</summary>
    Localhost,

    /// <summary>A private-use scheme with a dot in it, such as <c>com.example.app:/callback</c> (RFC 8252 section 7.1).</summary>
    PrivateUse,
}

/// <summary>
/// A registered redirect URI. A requested one matches to the character, without any normalisation on either side (RFC 9700
/// section 2.1); only on a loopback IP address may the port differ (RFC 8252 section 7.3).
/// </summary>
public sealed class RedirectUri
{
    /// <summary>The most characters of a redirect URI.</summary>
    public const int MaxLength = 2000;

    private const string LoopbackV4 = "http://127.0.0.1";
    private const string LoopbackV6 = "http://[::1]";

    // RFC 3986 section 2: what may stand in a URI, without "*" (no wildcards) and "#" (no fragment)
    private static readonly SearchValues<char> UriCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?[]@!$&'()+,;=%");

    // The parameters of an authorization answer: a redirect URI that brings its own would pollute it.
    private static readonly string[] AnswerParameters =
        ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "access_token", "token_type", "expires_in", "scope", "response", "session_state"];

    private RedirectUri(string value, RedirectUriKind kind)
    {
        Value = value;
        Kind = kind;
    }

    /// <summary>The URI exactly as it was registered.</summary>
    public string Value { get; }

    /// <summary>What kind of address it is.</summary>
    public RedirectUriKind Kind { get; }

    /// <summary>
    /// Whether an answer sent there can only reach the client that registered it. Loopback and private-use addresses can be taken by any
    /// program on the device (RFC 8252 section 8.6).
    /// </summary>
    public bool IdentifiesClient => Kind == RedirectUriKind.Https;

    /// <summary>What a person is shown as the place that the answer goes to: the host, or the scheme of an app.</summary>
    public string Host => Kind switch
    {
        RedirectUriKind.PrivateUse => Value[..Value.IndexOf(':', StringComparison.Ordinal)],
        RedirectUriKind.Https => new Uri(Value).Authority,
        _ => new Uri(Value).Host,
    };

    /// <summary>
    /// The origin of the pages that live where the URI is, as a browser sends it; on a loopback address the origin without its port, since
    /// any port matches; <see langword="null"/> for an app's own scheme.
    /// </summary>
    public string? Origin => Kind switch
    {
        RedirectUriKind.PrivateUse => null,
        RedirectUriKind.Loopback => Value.StartsWith(LoopbackV4, StringComparison.Ordinal) ? LoopbackV4 : LoopbackV6,
        _ => new Uri(Value).GetLeftPart(UriPartial.Authority),
    };

    /// <summary>The origin without its port, if it is one of a loopback address.</summary>
    /// <param name="origin">An origin, as a browser sends it.</param>
    /// <returns>The address with its scheme, or <see langword="null"/>.</returns>
    public static string? LoopbackOrigin(string origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        foreach (var literal in (ReadOnlySpan<string>)[LoopbackV4, LoopbackV6])
            if (origin.StartsWith(literal, StringComparison.Ordinal) && AfterPort(origin.AsSpan(literal.Length), out var rest) && rest.IsEmpty) return literal;
        return null;
    }

    /// <summary>Reads a redirect URI for registration (RFC 6749 section 3.1.2, RFC 8252 section 7 and section 8.4, RFC 9700 section 2.1).</summary>
    /// <param name="text">The URI.</param>
    /// <param name="redirectUri">The redirect URI, or <see langword="null"/>.</param>
    /// <param name="problem">What is wrong with it, as a sentence with the remedy; <see langword="null"/> when nothing is.</param>
    /// <returns>Whether it can be registered.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out RedirectUri? redirectUri, [NotNullWhen(false)] out string? problem)
    {
        redirectUri = null;
        problem = Problem(text, out var kind);
        if (problem is null) redirectUri = new RedirectUri(text!, kind);
        return problem is null;
    }

    /// <summary>Reads a redirect URI for registration.</summary>
    /// <param name="text">The URI.</param>
    /// <returns>The redirect URI.</returns>
    /// <exception cref="FormatException">It cannot be registered; the message says why.</exception>
    public static RedirectUri Parse(string text) => TryParse(text, out var redirectUri, out var problem) ? redirectUri : throw new FormatException(problem);

    /// <summary>Whether a requested URI is this one (RFC 9700 section 2.1, RFC 8252 section 7.3).</summary>
    /// <param name="requested">The URI of the request, as it was sent.</param>
    /// <returns>Whether it matches.</returns>
    public bool Matches(string requested)
    {
        ArgumentNullException.ThrowIfNull(requested);
        if (Kind != RedirectUriKind.Loopback) return string.Equals(requested, Value, StringComparison.Ordinal);
        var literal = Value.StartsWith(LoopbackV4, StringComparison.Ordinal) ? LoopbackV4 : LoopbackV6;
        return requested.StartsWith(literal, StringComparison.Ordinal)
            && AfterPort(requested.AsSpan(literal.Length), out var asked)
            && AfterPort(Value.AsSpan(literal.Length), out var registered)
            && asked.SequenceEqual(registered);
    }

    /// <summary>Adds an answer's parameters to a URI and keeps what its query already holds (RFC 6749 section 3.1.2).</summary>
    /// <param name="uri">A redirect URI that matched.</param>
    /// <param name="answer">The parameters.</param>
    /// <returns>The address to send the browser to.</returns>
    public static string Append(string uri, Parameters answer)
    {
        ArgumentNullException.ThrowIfNull(uri);
        ArgumentNullException.ThrowIfNull(answer);
        var separator = uri.Contains('?', StringComparison.Ordinal) ? (uri[^1] is '?' or '&' ? "" : "&") : "?";
        return $"{uri}{separator}{answer.ToQuery()}";
    }

    /// <summary>
    /// The source that a Content Security Policy must name in <c>form-action</c>, so that a form's answer may be redirected there
    /// (Chromium applies the rule to the whole chain): an origin, or a scheme with its colon.
    /// </summary>
    /// <param name="uri">A redirect URI that matched.</param>
    /// <returns>The source expression.</returns>
    public static string FormActionSource(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        var scheme = uri[..(uri.IndexOf(':', StringComparison.Ordinal) + 1)];
        if (scheme is not ("https:" or "http:")) return scheme;
        var address = new Uri(uri);
        // A policy cannot name an IP address other than 127.0.0.1: browsers ignore http://[::1], so its scheme is the least that works.
        return address.HostNameType == UriHostNameType.Dns || address.Host == "127.0.0.1" ? address.GetLeftPart(UriPartial.Authority) : scheme;
    }

    /// <inheritdoc />
    public override string ToString() => Value;

    private static string? Problem(string? text, out RedirectUriKind kind)
    {
        kind = default;
        if (string.IsNullOrEmpty(text)) return "A redirect URI is needed.";
        if (text.Length > MaxLength) return $"A redirect URI has at most {MaxLength} characters.";
        if (text.Contains('#', StringComparison.Ordinal)) return "A redirect URI has no fragment (#…).";
        if (text.Contains('*', StringComparison.Ordinal)) return "A redirect URI has no wildcards: register each address by itself.";
        if (text.AsSpan().ContainsAnyExcept(UriCharacters)) return "A redirect URI is written in ASCII, with anything else percent-encoded.";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || text[0] == '/') return "A redirect URI is absolute, such as http://127.0.0.1/callback.";
        if (!text.StartsWith(address.Scheme + ":", StringComparison.Ordinal)) return "A redirect URI's scheme is written in small letters.";
        if (address.UserInfo.Length > 0 || AuthorityOf(text).Contains('@')) return "A redirect URI has no user name in it.";
        var form = KindOf(text, address, out kind);
        return form ?? QueryProblem(address);
    }

    private static string? KindOf(string text, Uri address, out RedirectUriKind kind)
    {
        kind = RedirectUriKind.PrivateUse;
        if (address.Scheme is not ("http" or "https"))
            // RFC 8252 section 7.1: a domain name in reverse, so that no two apps pick the same scheme by chance
            return address.Scheme.Contains('.', StringComparison.Ordinal) ? null : "A private-use scheme has a dot in it, such as com.example.app:/callback.";
        if (!text.StartsWith(address.Scheme + "://", StringComparison.Ordinal) || address.Host.Length == 0)
            return "A redirect URI has two slashes and a host after its scheme.";
        var isLoopback = TryWithoutLoopbackPort(text, out var withoutPort);
        var normal = new Uri(withoutPort).AbsoluteUri;
        if (normal != withoutPort && normal != withoutPort + "/") return $"A redirect URI is written in its normal form; did you mean {normal}?";
        kind = address.Scheme == "https" ? RedirectUriKind.Https : isLoopback ? RedirectUriKind.Loopback : RedirectUriKind.Localhost;
        if (kind == RedirectUriKind.Https) return address.Host.EndsWith('.') ? "A redirect URI's host has no dot at its end." : null;
        return isLoopback || address.Host == "localhost" ? null : "An http redirect URI is for 127.0.0.1, [::1] or localhost only; use https.";
    }

    // RFC 8252 section 7.3: the port of a loopback address says nothing, so it has no normal form either.
    private static bool TryWithoutLoopbackPort(string text, out string withoutPort)
    {
        withoutPort = text;
        foreach (var literal in (ReadOnlySpan<string>)[LoopbackV4, LoopbackV6])
            if (text.StartsWith(literal, StringComparison.Ordinal) && AfterPort(text.AsSpan(literal.Length), out var rest))
            {
                withoutPort = $"{literal}{rest}";
                return true;
            }
        return false;
    }

    private static string? QueryProblem(Uri address)
    {
        if (address.Query.Length == 0) return null;
        if (!Parameters.TryParse(address.Query.AsSpan(1), out var query, out var problem)) return problem;
        var planted = query.Pairs.FirstOrDefault(pair => AnswerParameters.Contains(pair.Key, StringComparer.OrdinalIgnoreCase)).Key;
        return planted is null ? null : $"A redirect URI's query has no {planted}: that is a parameter of the answer.";
    }

    private static ReadOnlySpan<char> AuthorityOf(string text)
    {
        var start = text.IndexOf("://", StringComparison.Ordinal);
        if (start < 0) return [];
        var rest = text.AsSpan(start + 3);
        var end = rest.IndexOfAny('/', '?', '#');
        return end < 0 ? rest : rest[..end];
    }

    // A port is 1 to 65535, without sign, space or leading zero; "http://127.0.0.1:80@evil" must not pass for one.
    private static bool AfterPort(ReadOnlySpan<char> text, out ReadOnlySpan<char> rest)
    {
        rest = text;
        if (text.IsEmpty || text[0] != ':') return text.IsEmpty || text[0] is '/' or '?';
        var digits = text[1..];
        var length = digits.IndexOfAnyExceptInRange('0', '9');
        if (length >= 0) digits = digits[..length];
        rest = text[(1 + digits.Length)..];
        return digits.Length is >= 1 and <= 5 && digits[0] != '0'
            && int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) <= 65535
            && (rest.IsEmpty || rest[0] is '/' or '?');
    }
}
