using System.Text;

namespace ProofKey.Cli.Output;

/// <summary>Breaks lines between words, at the edge of a terminal that would break them within. An address or a command that is longer stays in one piece, so that it can be copied.</summary>
internal static class WordWrap
{
    // What remedies have a person run: from such a word after a colon to the end of the sentence.
    private static readonly string[] Programs = ["proofkey", "git", "chmod", "ss", "netsh", "timedatectl", "apt-get", "openssl", "pg_dump", "(umask"];

    /// <summary>The lines of a text.</summary>
    /// <param name="text">Words with spaces between them.</param>
    /// <param name="width">How many columns there are; <see langword="null"/> where nothing is to be broken.</param>
    /// <param name="indent">How many spaces the lines after the first begin with.</param>
    public static IEnumerable<string> Lines(string text, int? width, int indent = 0)
    {
        if (width is not { } columns || Columns(text) <= columns) return [text];
        var lines = new List<string>();
        var (line, used, isFirst, hasWords) = (new StringBuilder(), 0, true, false);
        foreach (var word in Words(text))
        {
            var length = Columns(word);
            if (length > 0 && hasWords && used + 1 + length > columns)
            {
                lines.Add(line.ToString().TrimEnd());
                line.Clear().Append(' ', indent);
                used = indent;
            }
            else if (!isFirst)
            {
                // Spaces at the beginning are between empty words.
                line.Append(' ');
                used++;
            }
            line.Append(word);
            used += length;
            isFirst = false;
            hasWords |= length > 0;
        }
        lines.Add(line.ToString());
        return lines;
    }

    // A command counts as one word.
    private static IEnumerable<string> Words(string text)
    {
        string[] words = text.Split(' ');
        for (var at = 0; at < words.Length;)
        {
            var end = at + 1;
            if (at > 0 && words[at - 1].EndsWith(':') && Programs.Contains(words[at]))
                while (end < words.Length && !EndsCommand(words[at], words[end - 1])) end++;
            yield return string.Join(' ', words[at..end]);
            at = end;
        }
    }

    private static bool EndsCommand(string first, string last) => first[0] == '(' ? last.EndsWith(')') : last.EndsWith(';') || last.EndsWith('.') || last.EndsWith(',');

    /// <summary>How many columns a text takes.</summary>
    public static int Columns(string text) => text.EnumerateRunes().Sum(Columns);

    // Signs of East Asia and pictures take two columns, marks on another letter none (Unicode standard annex 11, its wide blocks).
    private static int Columns(Rune rune) => Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.EnclosingMark ? 0
        : rune.Value is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD) ? 2 : 1;
}
