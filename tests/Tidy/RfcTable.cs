using System.Text;
using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>
/// docs/rfcs.md: section, rule, file, test. Files and tests are gathered from the tree; the sentence of the rule and the titles are
/// written by hand and kept.
/// </summary>
internal sealed partial class RfcTable
{
    public const string Document = "docs/rfcs.md";

    public RfcTable()
    {
        foreach (var path in Tree.Sources)
            foreach (var section in RfcSection.InComments(Tree.Read(path)))
                Files.GetOrAdd(section).Add(path);
        // The program shows rules in its demonstration; the libraries keep them.
        foreach (var path in Tree.Sources.Where(path => !path.StartsWith("src/ProofKey.Cli/", StringComparison.Ordinal)))
            AtRules.UnionWith(RfcSection.AtRules(Tree.Read(path)));
        foreach (var test in NamedTest.Carrying(Attribute()))
            Tests.GetOrAdd(RfcSection.Of(test.Attribute)).Add(test.Name);
    }

    public SortedDictionary<RfcSection, SortedSet<string>> Files { get; } = [];

    public SortedDictionary<RfcSection, SortedSet<string>> Tests { get; } = [];

    public SortedSet<RfcSection> AtRules { get; } = [];

    public IEnumerable<RfcSection> Sections => Tests.Keys.Union(AtRules).Order();

    /// <summary>The document as the tree wants it, with what was written by hand in the present one.</summary>
    public string Render(string present)
    {
        var rules = RulesOf(present);
        var titles = Heading().Matches(present).ToDictionary(heading => heading.Groups["document"].Value, heading => heading.Groups["title"].Value);
        var page = new StringBuilder(present[..(Heading().Match(present) is { Success: true } first ? first.Index : present.Length)]);
        foreach (var document in Sections.GroupBy(section => section.Document))
        {
            page.Append($"## {document.Key}{titles.GetValueOrDefault(document.Key)}\n\n| section | rule | file | test |\n|---|---|---|---|\n");
            foreach (var section in document)
                page.Append($"| {section.Number} | {rules.GetValueOrDefault(section)} | {Cell(Files, section, Link)} | {Cell(Tests, section, test => $"`{test}`")} |\n");
            page.Append('\n');
        }
        return page.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>The sentences written by hand.</summary>
    public static Dictionary<RfcSection, string> RulesOf(string page)
    {
        var rules = new Dictionary<RfcSection, string>();
        var document = "";
        foreach (var line in page.Split('\n'))
            if (Heading().Match(line) is { Success: true } heading) document = heading.Groups["document"].Value;
            else if (Row().Match(line) is { Success: true } row) rules[new RfcSection(document, row.Groups["number"].Value)] = row.Groups["rule"].Value.Trim();
        return rules;
    }

    private static string Cell(SortedDictionary<RfcSection, SortedSet<string>> places, RfcSection section, Func<string, string> show) =>
        places.TryGetValue(section, out var found) ? string.Join("<br>", found.Select(show)) : "";

    private static string Link(string path) => $"[{path["src/ProofKey.".Length..]}](../{path})";

    [GeneratedRegex(@"Rfc\(""(?<document>[^""]+)"", ""(?<number>[^""]+)""\)")]
    private static partial Regex Attribute();

    [GeneratedRegex(@"^## (?<document>RFC \d+|OAuth 2\.1|OpenID Connect [^:\n]+)(?<title>: [^\n]+)?$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\| (?<number>[\dA-Z][\d.]*) \|(?<rule>[^|]*)\|")]
    private static partial Regex Row();
}

/// <summary>Gathering under a key.</summary>
internal static class Gathering
{
    public static SortedSet<string> GetOrAdd(this SortedDictionary<RfcSection, SortedSet<string>> places, RfcSection section)
    {
        if (!places.TryGetValue(section, out var found)) places[section] = found = new(StringComparer.Ordinal);
        return found;
    }
}
