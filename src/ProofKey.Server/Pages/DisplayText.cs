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
