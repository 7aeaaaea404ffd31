using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>docs/assertions.md: what must hold, each line with a test that names it or a reason why it does not apply yet.</summary>
public partial class AssertionListTests
{
    private const string Document = "docs/assertions.md";

    // Every line marked ★ must hold before the first release. Lines are added, never dropped.
    private const int MustHold = 64;

    // How many lines each group has that is about the server, its protocol and its client.
    private static readonly Dictionary<string, int> Groups = new()
    {
        ["AZ"] = 27,
        ["PK"] = 24,
        ["RU"] = 14,
        ["TK"] = 21,
        ["RT"] = 18,
        ["RV"] = 11,
        ["MD"] = 13,
        ["PR"] = 12,
        ["DV"] = 12,
        ["DP"] = 12,
        ["OI"] = 12,
        ["LO"] = 13,
        ["UI"] = 23,
        ["CL"] = 20,
    };

    private static readonly List<Line> Lines = [.. Row().Matches(Tree.Read(Document)).Select(row =>
        new Line(row.Groups["id"].Value, row.Groups["star"].Value == "★", row.Groups["state"].Value.Trim()))];

    private static readonly List<NamedTest> Named = [.. NamedTest.Carrying(Attribute())];

    [Fact]
    public void The_list_is_whole_and_names_nothing_twice()
    {
        Lines.Select(line => line.Id).ShouldBeUnique();
        Lines.Count(line => line.Star).ShouldBe(MustHold);
    }

    [Fact]
    public void No_line_of_a_group_is_left_out() =>
        Groups.SelectMany(group => Enumerable.Range(1, group.Value).Select(number => $"{group.Key}-{number:00}")).Except(Lines.Select(line => line.Id)).ShouldBeEmpty();

    [Fact]
    public void Whatever_does_not_apply_says_why_beside_the_rules() =>
        Reason().Matches(Tree.Read("docs/rfcs.md")).Select(row => (row.Groups["id"].Value, $"not yet: {row.Groups["reason"].Value}"))
            .ShouldBe(Lines.Where(line => line.State is not "proved" && Groups.ContainsKey(line.Id[..2])).Select(line => (line.Id, line.State)), ignoreOrder: true);

    [Fact]
    public void Every_line_is_proved_or_says_why_it_does_not_apply_yet() =>
        Lines.Where(line => line.State is not "proved" && !line.State.StartsWith("not yet: ", StringComparison.Ordinal)).ShouldBeEmpty();

    [Fact]
    public void Every_proved_line_is_named_by_a_test() =>
        Lines.Where(line => line.State is "proved").Select(line => line.Id).Except(Named.Select(Id)).ShouldBeEmpty();

    [Fact]
    public void No_line_that_a_test_names_claims_not_to_apply() =>
        Lines.Where(line => line.State is not "proved").Select(line => line.Id).Intersect(Named.Select(Id)).ShouldBeEmpty();

    [Fact]
    public void Every_assertion_that_a_test_names_is_in_the_list() =>
        Named.Where(test => Lines.All(line => line.Id != Id(test))).Select(test => $"{Id(test)} ({test.Name})").Distinct().ShouldBeEmpty();

    [Fact]
    public void Every_assertion_that_a_document_names_is_in_the_list()
    {
        var named = from document in Tree.TextFiles.Where(path => path.EndsWith(".md", StringComparison.Ordinal))
                    from Match id in Mention().Matches(Tree.Read(document))
                    where Lines.All(line => line.Id != id.Value)
                    select $"{document}: {id.Value}";
        named.ShouldBeEmpty();
    }

    [Fact]
    public void Whatever_names_an_assertion_is_run() => Named.Where(test => !test.IsTest).Select(test => $"{test.Path}: {test.Name}").ShouldBeEmpty();

    private static string Id(NamedTest test) => test.Attribute.Groups["id"].Value;

    [GeneratedRegex(@"Assertion\(""(?<id>[^""]+)""\)")]
    private static partial Regex Attribute();

    [GeneratedRegex(@"\b(AZ|PK|RU|TK|RT|RV|MD|RS|CL|UI|OI|DP|DV|PR|LO)-\d\d\b")]
    private static partial Regex Mention();

    [GeneratedRegex(@"^\| (?<id>[A-Z]{2}-\d\d) \| (?<reason>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex Reason();

    [GeneratedRegex(@"^\| (?<id>[A-Z]{2}-\d\d) \| (?<star>★?) ?\| [^|]+ \| (?<state>[^|]+)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    private sealed record Line(string Id, bool Star, string State);
}
