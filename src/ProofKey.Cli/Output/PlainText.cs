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
    public static string Of(string text)
    {
        if (text.All(IsPlain)) return text;
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) plain.Append(IsPlain(rune) ? rune.ToString() : "?");
        return plain.ToString();
    }

    private static bool IsPlain(char character) => character is >= ' ' and <= '~';

    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned) && rune != Rune.ReplacementChar;
}
