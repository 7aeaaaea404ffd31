using System.Globalization;
using System.Text;

namespace ProofKey.Cli.Output;

/// <summary>Text that others wrote, made fit for a terminal.</summary>
internal static class PlainText
{
    /// <summary>
    /// The same text on one line, with everything that steers a terminal or reorders what is read replaced by <c>?</c>: control, format
    /// and separator characters, private ones, halves of pairs.
    /// </summary>
    public static string Of(string text) => Replaced(text, _ => "?");

    /// <summary>The same for JSON, in which such a character can stand as its number (RFC 8259 section 7) and nothing is lost.</summary>
    public static string Escaped(string json) => Replaced(json, rune => string.Concat(rune.ToString().Select(unit => $"\\u{(int)unit:X4}")));

    private static string Replaced(string text, Func<Rune, string> other)
    {
        if (text.All(IsPlain)) return text;
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) plain.Append(IsPlain(rune) ? rune.ToString() : other(rune));
        return plain.ToString();
    }

    private static bool IsPlain(char character) => character is >= ' ' and <= '~';

    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned) && rune != Rune.ReplacementChar;
}
