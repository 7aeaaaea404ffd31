using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace ProofKey;

/// <summary>A set of scope values in the order in which they were asked for (RFC 6749 section 3.3). Values are case-sensitive.</summary>
public sealed class Scope
{
    /// <summary>Asks for an ID token (OpenID Connect Core section 3.1.2.1).</summary>
    public const string OpenId = "openid";

    /// <summary>Asks for name claims.</summary>
    public const string Profile = "profile";

    /// <summary>Asks for the e-mail address.</summary>
    public const string Email = "email";

    /// <summary>Asks for a grant that outlives the browser session (OpenID Connect Core section 11).</summary>
    public const string OfflineAccess = "offline_access";

    /// <summary>The most values that one request may hold.</summary>
    public const int MaxCount = 64;

    internal const int MaxGranted = 1000;

    // RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(
        [.. Enumerable.Range(0x21, 0x7E - 0x21 + 1).Select(code => (char)code).Where(character => character is not ('"' or '\\'))]);

    private readonly string[] _values;

    private Scope(string[] values) => _values = values;

    /// <summary>No scope at all.</summary>
    public static Scope None { get; } = new([]);

    /// <summary>The values, each once.</summary>
    public IReadOnlyList<string> Values => _values;

    /// <summary>Whether there is no value.</summary>
    public bool IsEmpty => _values.Length == 0;

    /// <summary>Reads the value of a <c>scope</c> parameter: values separated by single spaces.</summary>
    /// <param name="text">The parameter; <see langword="null"/> and the empty text are <see cref="None"/>.</param>
    /// <param name="scope">The set, or <see langword="null"/> when a character is not allowed or there are more than <see cref="MaxCount"/> values.</param>
    /// <returns>Whether the text is a scope.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Scope? scope) => TryParse(text, MaxCount, out scope);

    /// <summary>Reads what a server granted, which may be more than one request may hold (RFC 6749 section 3.3).</summary>
    internal static bool TryParseGranted(string? text, [NotNullWhen(true)] out Scope? scope) => TryParse(text, MaxGranted, out scope);

    private static bool TryParse(string? text, int most, [NotNullWhen(true)] out Scope? scope)
    {
        scope = None;
        if (string.IsNullOrEmpty(text)) return true;
        scope = null;
        var values = new List<string>();
        foreach (var range in text.AsSpan().Split(' '))
        {
            var value = text.AsSpan()[range];
            if (value.IsEmpty) continue;
            if (value.ContainsAnyExcept(TokenCharacters)) return false;
            var name = value.ToString();
            if (values.Contains(name)) continue;
            if (values.Count == most) return false;
            values.Add(name);
        }
        scope = new Scope([.. values]);
        return true;
    }

    /// <summary>Reads a scope that is known to be well-formed.</summary>
    /// <param name="text">The values, separated by spaces.</param>
    /// <returns>The set.</returns>
    /// <exception cref="FormatException">The text is not a scope.</exception>
    public static Scope Parse(string? text) =>
        TryParse(text, out var scope) ? scope : throw new FormatException("A scope is a list of printable ASCII words without quotes and backslashes, separated by spaces.");

    /// <summary>Whether the set holds a value.</summary>
    /// <param name="value">The value, case-sensitive.</param>
    /// <returns>Whether it does.</returns>
    public bool Contains(string value) => Array.IndexOf(_values, value) >= 0;

    /// <summary>Whether each value of this set is in another.</summary>
    /// <param name="other">The other set.</param>
    /// <returns>Whether it is a subset; the same set is one.</returns>
    public bool IsSubsetOf(Scope other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Array.TrueForAll(_values, other.Contains);
    }

    /// <summary>The values that are also in another set, in the order of this one.</summary>
    /// <param name="other">The other set.</param>
    /// <returns>The common values.</returns>
    public Scope Intersect(Scope other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return IsSubsetOf(other) ? this : new Scope(Array.FindAll(_values, other.Contains));
    }

    /// <summary>The values that are not in another set, in the order of this one.</summary>
    /// <param name="other">The other set.</param>
    /// <returns>The rest.</returns>
    public Scope Except(Scope other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new Scope(Array.FindAll(_values, value => !other.Contains(value)));
    }

    /// <summary>The values of both sets.</summary>
    /// <param name="other">The other set.</param>
    /// <returns>The union, this set's values first.</returns>
    public Scope Union(Scope other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return other.IsSubsetOf(this) ? this : new Scope([.. _values, .. other._values.Where(value => !Contains(value))]);
    }

    /// <summary>The set as it is sent: values separated by single spaces.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => string.Join(' ', _values);
}
