using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;

namespace ProofKey.Testing;

/// <summary>A secret that was found where it must not be. It names the secret, and does not repeat it.</summary>
/// <param name="Secret">The name under which the secret was added.</param>
/// <param name="Form">How it was written there, such as <c>as it is</c> or <c>base64</c>.</param>
/// <param name="Text">The name of the text.</param>
public sealed record Leak(string Secret, string Form, string Text);

/// <summary>
/// Looks through logs, errors and whatever else a program says for the secrets of a run: as they are, encoded for an address, a form, JSON or a page, in base64
/// and base64url and in hexadecimal; of a long one, any 15 characters in a row. It is safe to use from many threads.
/// </summary>
public sealed class LeakSearch
{
    // 12 characters of base64url are 72 bits: no two secrets share them by chance, and no word does.
    internal const int Piece = 12;
    // Each fourth piece of a secret is remembered, so 15 characters in a row hold one.
    internal const int Step = 4;
    private const int LongEnoughForPieces = 24;

    private readonly ConcurrentDictionary<string, (string Name, string Form)> _forms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string Name, string Form)> _pieces = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _known = new(StringComparer.Ordinal);

    /// <summary>How many secrets it knows.</summary>
    public int Count => _known.Count;

    /// <summary>Adds a secret; what has fewer than 6 characters would be found everywhere, and is refused.</summary>
    /// <param name="name">What it is called when it is found, such as <c>refresh token</c>.</param>
    /// <param name="secret">The secret.</param>
    /// <exception cref="ArgumentException">It is too short.</exception>
    public void Add(string name, string secret)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(secret);
        if (secret.Length < 6) throw new ArgumentException("A secret has at least 6 characters.", nameof(secret));
        if (!_known.TryAdd(secret, 0)) return;
        var isLong = IsLong(secret);
        foreach (var (form, text) in Forms(secret))
        {
            if (!isLong) _forms.TryAdd(text, (name, form));
            else for (var i = 0; i + Piece <= text.Length; i += Step) _pieces.TryAdd(text.Substring(i, Piece), (name, form));
        }
    }

    /// <summary>Looks through a text.</summary>
    /// <param name="name">What it is called when something is found in it.</param>
    /// <param name="text">The text.</param>
    /// <returns>What was found, each secret and form once.</returns>
    public IReadOnlyList<Leak> Find(string name, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var found = new HashSet<Leak>();
        foreach (var (form, what) in _forms)
            if (text.Contains(form, StringComparison.Ordinal)) found.Add(new Leak(what.Name, what.Form, name));
        var pieces = _pieces.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var i = 0; i + Piece <= text.Length; i++)
            if (pieces.TryGetValue(text.AsSpan(i, Piece), out var what)) found.Add(new Leak(what.Name, what.Form, name));
        return [.. found];
    }

    /// <summary>Throws when a text holds one of the secrets.</summary>
    /// <param name="name">What the text is called.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="LeakException">It does; the message names each secret that was found, and repeats none.</exception>
    public void AssertNone(string name, string text)
    {
        if (Find(name, text) is { Count: > 0 } leaks) throw new LeakException(leaks);
    }

    /// <summary>Whether a secret is found by its pieces.</summary>
    internal static bool IsLong(string secret) => secret.Length >= LongEnoughForPieces;

    /// <summary>How a secret may be written.</summary>
    internal static IEnumerable<(string Form, string Text)> Forms(string secret) => FormsOf(IsLong(secret) ? WithoutHeader(secret) : secret).DistinctBy(one => one.Text);

    private static IEnumerable<(string Form, string Text)> FormsOf(string secret)
    {
        yield return ("as it is", secret);
        yield return ("encoded for an address", Uri.EscapeDataString(secret));
        yield return ("encoded for a form", WebUtility.UrlEncode(secret));
        yield return ("encoded for JSON", JavaScriptEncoder.Default.Encode(secret));
        yield return ("encoded for a page", WebUtility.HtmlEncode(secret));
        foreach (var text in Base64(secret)) yield return ("base64", text);
        yield return ("hexadecimal", Convert.ToHexString(Encoding.UTF8.GetBytes(secret)));
        yield return ("hexadecimal", Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret)));
    }

    // The header of a token is the same in all of them, and no secret.
    private static string WithoutHeader(string secret) =>
        secret.StartsWith("eyJ", StringComparison.Ordinal) && secret.Count(character => character == '.') == 2 ? secret[(secret.IndexOf('.', StringComparison.Ordinal) + 1)..] : secret;

    // In what was encoded together with other text, it begins at any of three places; the characters at its ends belong to that text too.
    private static IEnumerable<string> Base64(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        for (var before = 0; before < 3; before++)
        {
            var padded = Convert.ToBase64String([.. new byte[before], .. bytes]).TrimEnd('=');
            var first = before == 0 ? 0 : before + 1;
            var own = padded[first..(padded.Length - ((before + bytes.Length) % 3 == 0 ? 0 : 1))];
            yield return own;
            yield return own.Replace('+', '-').Replace('/', '_');
        }
    }
}

/// <summary>A secret is where it must not be.</summary>
public sealed class LeakException : Exception
{
    internal LeakException(IReadOnlyList<Leak> leaks)
        : base(string.Join('\n', leaks.Select(leak => $"{leak.Text} holds the {leak.Secret} ({leak.Form})."))) => Leaks = leaks;

    /// <summary>What was found.</summary>
    public IReadOnlyList<Leak> Leaks { get; }
}
