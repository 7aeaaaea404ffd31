using System.Globalization;
using System.Text;

namespace ProofKey.Server.Pages;

/// <summary>Makes a name that somebody else chose fit to be read: it cannot reorder, hide, stack or outgrow the words around it.</summary>
internal static class DisplayText
{
    /// <summary>The most characters (Unicode scalar values) of a name that are shown.</summary>
    public const int MaxLength = 80;

    private const int MaxMarks = 4;
    private static readonly Rune Ellipsis = new('…');
    private static readonly Rune Space = new(' ');

    /// <summary>The text to show, not yet escaped for HTML.</summary>
    /// <param name="untrusted">Any text.</param>
    /// <returns>At most <see cref="MaxLength"/> characters, never blank.</returns>
    public static string Of(string untrusted)
    {
        var shown = new StringBuilder();
        var (length, marks) = (0, 0);
        foreach (var rune in untrusted.Trim().EnumerateRunes())
        {
            marks = IsMark(rune) ? marks + 1 : 0;
            if (marks > MaxMarks) continue;
            if (++length == MaxLength) return shown.Append(Ellipsis).ToString();
            shown.Append(Shown(rune));
        }
        return string.IsNullOrWhiteSpace(shown.ToString()) ? "(no name)" : shown.ToString();
    }

    /// <summary>
    /// Whether a word is spelled with letters of several alphabets that look alike, such as a Latin name with a Cyrillic letter in it, or with
    /// letters that imitate others by their form.
    /// </summary>
    public static bool MixesAlphabets(string untrusted)
    {
        var word = Alphabet.None;
        foreach (var rune in untrusted.EnumerateRunes())
        {
            var alphabet = AlphabetOf(rune);
            if (!Rune.IsLetterOrDigit(rune) && alphabet == Alphabet.None) word = Alphabet.None;
            if (alphabet == Alphabet.None) continue;
            if (alphabet == Alphabet.Imitation || (word != Alphabet.None && word != alphabet)) return true;
            word = alphabet;
        }
        return false;
    }

    // Those of which letters look like Latin ones (UTS #39).
    private static Alphabet AlphabetOf(Rune rune) => rune.Value switch
    {
        (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= 0xC0 and <= 0x24F and not 0xD7 and not 0xF7) or (>= 0x1E00 and <= 0x1EFF) => Alphabet.Latin,
        (>= 0x370 and <= 0x3FF) or (>= 0x1F00 and <= 0x1FFF) => Alphabet.Greek,
        (>= 0x400 and <= 0x52F) or (>= 0x1C80 and <= 0x1C8F) or (>= 0xA640 and <= 0xA69F) => Alphabet.Cyrillic,
        >= 0x530 and <= 0x58F => Alphabet.Armenian,
        (>= 0x13A0 and <= 0x13FF) or (>= 0xAB70 and <= 0xABBF) => Alphabet.Cherokee,
        (>= 0xFF21 and <= 0xFF3A) or (>= 0xFF41 and <= 0xFF5A) or (>= 0x1D400 and <= 0x1D7FF) or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F110 and <= 0x1F189) => Alphabet.Imitation,
        _ => Alphabet.None,
    };

    private enum Alphabet
    {
        None,
        Latin,
        Greek,
        Cyrillic,
        Armenian,
        Cherokee,
        Imitation,
    }

    // UAX #9 section 2: an override or embedding shows text in another order than it has; a replacement character tells that something was there.
    private static Rune Shown(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Format when !IsJoiner(rune) => Rune.ReplacementChar,
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => Rune.ReplacementChar,
        UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => Rune.ReplacementChar,
        UnicodeCategory.SpaceSeparator => Space,
        _ => rune,
    };

    // Persian, Indic scripts and emoji are not spelled right without them.
    private static bool IsJoiner(Rune rune) => rune.Value is 0x200C or 0x200D;

    private static bool IsMark(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark;
}
