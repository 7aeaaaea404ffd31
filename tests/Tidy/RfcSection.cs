using System.Globalization;
using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>A section of a specification, as comments and tests name it: <c>RFC 7636</c>, <c>4.6</c>; an appendix is its letter.</summary>
internal sealed partial record RfcSection(string Document, string Number) : IComparable<RfcSection>
{
    /// <summary>The sections that the comments of a source file name, "RFC 6749 section 3.1, RFC 9700 section 2.1" and the like.</summary>
    public static IEnumerable<RfcSection> InComments(string source)
    {
        var comments = string.Join(' ', Comment().Matches(source).Select(comment => comment.Groups["text"].Value.Trim()));
        return from Match mention in Mention().Matches(comments)
               from Capture number in mention.Groups["number"].Captures
               select new RfcSection(mention.Groups["document"].Value, number.Value);
    }

    /// <summary>The sections named at a rule: by a plain comment, not by the documentation of a member.</summary>
    public static IEnumerable<RfcSection> AtRules(string source) => InComments(DocumentationComment().Replace(source, ""));

    /// <summary>The section that an attribute of a test names.</summary>
    public static RfcSection Of(Match attribute) => new(attribute.Groups["document"].Value, Keyword().Replace(attribute.Groups["number"].Value, ""));

    public int CompareTo(RfcSection? other) => string.CompareOrdinal(Key, other?.Key);

    // "RFC 7636 4.10" sorts behind "RFC 7636 4.9", and appendices behind all sections.
    private string Key => Number_().Replace($"{Document} {Number}", digits => digits.Value.PadLeft(6, '0'));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Document} section {Number}");

    [GeneratedRegex(@"^\s*///?(?<text>.*)$|\s//\s(?<text>.*)$|@\*(?<text>.*?)\*@", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^\s*///.*$", RegexOptions.Multiline)]
    private static partial Regex DocumentationComment();

    [GeneratedRegex(@"(?<document>RFC \d+|OAuth 2\.1|OpenID Connect [A-Z][\w-]*(?: [A-Z][\w-]*)*)(?:(?:,| and|, and)? (?:section|appendix) (?<number>\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)|,? sections (?<number>\d+(?:\.\d+)*)(?:(?:,| and|, and) (?<number>\d+(?:\.\d+)*))+)+")]
    private static partial Regex Mention();

    [GeneratedRegex("^(section|appendix) ", RegexOptions.IgnoreCase)]
    private static partial Regex Keyword();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number_();
}
