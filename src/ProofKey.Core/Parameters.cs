using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace ProofKey;

/// <summary>
/// The parameters of one request or answer, from a query or a form body, read strictly: valid percent-encoding, valid UTF-8, no NUL,
/// bounded in number, and aware of duplicates (RFC 6749 section 3.1 and section 3.2, appendix B).
/// </summary>
public sealed class Parameters
{
    /// <summary>The most parameters that are read.</summary>
    public const int MaxCount = 100;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<KeyValuePair<string, string>> _pairs;

    private Parameters(List<KeyValuePair<string, string>> pairs) => _pairs = pairs;

    /// <summary>No parameters.</summary>
    public static Parameters Empty { get; } = new([]);

    /// <summary>All names and values in the order in which they came, empty values and duplicates included.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Pairs => _pairs;

    /// <summary>
    /// The first value of a parameter, or <see langword="null"/> where it is absent or empty: both mean the same (RFC 6749 section 3.1).
    /// Ask <see cref="Duplicate"/> before relying on it.
    /// </summary>
    /// <param name="name">The parameter's name, case-sensitive.</param>
    public string? this[string name]
    {
        get
        {
            foreach (var pair in _pairs)
                if (pair.Key == name && pair.Value.Length > 0) return pair.Value;
            return null;
        }
    }

    /// <summary>Makes parameters from names and values, for building a request.</summary>
    /// <param name="pairs">Names and values.</param>
    /// <returns>The parameters.</returns>
    public static Parameters Of(params IEnumerable<KeyValuePair<string, string>> pairs) => new([.. pairs]);

    /// <summary>Reads <c>application/x-www-form-urlencoded</c> text: a query without its question mark, or a form body.</summary>
    /// <param name="encoded">The text as it was sent. Only ASCII is allowed before decoding.</param>
    /// <param name="parameters">The parameters, or <see langword="null"/> when the text is malformed.</param>
    /// <param name="problem">What is wrong with the text, as a sentence for an error description; <see langword="null"/> when nothing is.</param>
    /// <returns>Whether the text was well-formed.</returns>
    public static bool TryParse(ReadOnlySpan<char> encoded, [NotNullWhen(true)] out Parameters? parameters, [NotNullWhen(false)] out string? problem)
    {
        parameters = null;
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var range in encoded.Split('&'))
        {
            var pair = encoded[range];
            if (pair.IsEmpty) continue;
            if (pairs.Count == MaxCount) return Malformed($"There are more than {MaxCount} parameters.", out problem);
            var equals = pair.IndexOf('=');
            var name = equals < 0 ? pair : pair[..equals];
            var value = equals < 0 ? [] : pair[(equals + 1)..];
            if (Decode(name) is not { } decodedName || Decode(value) is not { } decodedValue)
                return Malformed("A parameter is not valid percent-encoded UTF-8 without NUL.", out problem);
            pairs.Add(new(decodedName, decodedValue));
        }
        parameters = new Parameters(pairs);
        problem = null;
        return true;
    }

    /// <summary>The name of a parameter that came more than once, unless it may (RFC 6749 section 3.1, RFC 8707 section 2).</summary>
    /// <param name="repeatable">The one name that may repeat, or none.</param>
    /// <returns>The name, or <see langword="null"/> when every name came once.</returns>
    public string? Duplicate(string? repeatable = null)
    {
        for (var i = 1; i < _pairs.Count; i++)
            for (var j = 0; j < i; j++)
                if (_pairs[i].Key == _pairs[j].Key && _pairs[i].Key != repeatable) return _pairs[i].Key;
        return null;
    }

    /// <summary>Whether a name came more than once.</summary>
    /// <param name="name">The name.</param>
    /// <returns>Whether it did.</returns>
    public bool IsDuplicated(string name)
    {
        var count = 0;
        foreach (var pair in _pairs)
            if (pair.Key == name) count++;
        return count > 1;
    }

    /// <summary>All values of a parameter that may repeat, empty ones left out.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The values.</returns>
    public IReadOnlyList<string> All(string name) => [.. _pairs.Where(pair => pair.Key == name && pair.Value.Length > 0).Select(pair => pair.Value)];

    /// <summary>The same parameters without those of one name.</summary>
    /// <param name="name">The name to leave out.</param>
    /// <returns>The other parameters.</returns>
    public Parameters Without(string name) => new(_pairs.FindAll(pair => pair.Key != name));

    /// <summary>The same parameters with one more at the end.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <returns>The parameters.</returns>
    public Parameters With(string name, string value) => new([.. _pairs, new(name, value)]);

    /// <summary>The parameters as <c>application/x-www-form-urlencoded</c> text, for a query or a body.</summary>
    /// <returns>The text, without a question mark.</returns>
    public string ToQuery()
    {
        var text = new StringBuilder();
        foreach (var (name, value) in _pairs)
            text.Append(text.Length == 0 ? "" : "&").Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
        return text.ToString();
    }

    private static bool Malformed(string text, out string problem)
    {
        problem = text;
        return false;
    }

    // RFC 6749 appendix B: UTF-8, then percent-encoding, a plus for a space. Raw bytes beyond ASCII are not the encoding.
    private static string? Decode(ReadOnlySpan<char> encoded)
    {
        if (!Ascii.IsValid(encoded)) return null;
        if (!encoded.ContainsAny('%', '+')) return encoded.ContainsAnyInRange('\0', '\x1f') ? null : encoded.ToString();
        Span<byte> bytes = encoded.Length <= 1024 ? stackalloc byte[1024] : new byte[encoded.Length];
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            var character = encoded[i];
            if (character < ' ') return null;
            if (character == '%')
            {
                if (i + 2 >= encoded.Length || !char.IsAsciiHexDigit(encoded[i + 1]) || !char.IsAsciiHexDigit(encoded[i + 2])) return null;
                bytes[length] = byte.Parse(encoded.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                if (bytes[length] == 0) return null;
                length++;
                i += 2;
            }
            else
            {
                bytes[length++] = character == '+' ? (byte)' ' : (byte)character;
            }
        }
        try
        {
            return StrictUtf8.GetString(bytes[..length]);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
