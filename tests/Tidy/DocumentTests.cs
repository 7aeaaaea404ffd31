using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>What the documents say must be there.</summary>
public partial class DocumentTests
{
    private const string ListOfDecisions = "docs/decisions/README.md";

    private static IEnumerable<string> Decisions => Tree.In("docs/decisions/", ".md").Where(path => path != ListOfDecisions);

    private static IEnumerable<string> Documents => Tree.TextFiles.Where(path => path.EndsWith(".md", StringComparison.Ordinal));

    [Fact]
    public void Every_link_into_the_repository_leads_somewhere()
    {
        var links = from document in Documents
                    from Match link in Link().Matches(Fence().Replace(Tree.Read(document), ""))
                    let target = link.Groups["target"].Value
                    where !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
                    select (document, target);
        links.ShouldNotBeEmpty();
        links.Where(link => !Tree.Exists(Path.Combine(Path.GetDirectoryName(link.document)!, link.target)))
            .Select(link => $"{link.document}: {link.target}").ShouldBeEmpty();
    }

    [Fact]
    public void Every_decision_has_a_number_a_date_and_a_state()
    {
        Decisions.ShouldNotBeEmpty();
        Decisions.Where(path => !DecisionName().IsMatch(Path.GetFileName(path)) || !DecisionHead().IsMatch(Tree.Read(path))).ShouldBeEmpty();
        Decisions.Select(path => Path.GetFileName(path)[..4]).ShouldBeUnique();
    }

    [Fact]
    public void Every_decision_stands_in_their_list_with_its_title() =>
        Decisions.Select(LineOf).ShouldBe(Tree.Lines(ListOfDecisions).Where(line => line.StartsWith("- ", StringComparison.Ordinal)));

    [Fact]
    public void Every_table_is_described()
    {
        var page = Tree.Read("docs/storage.md");
        var tables = Table().Matches(Tree.Read("src/ProofKey.Server/Storage/Schema.cs")).Select(table => table.Groups["name"].Value).ToList();
        tables.ShouldContain("authorization_grant");
        tables.Where(table => !page.Contains($"| [`{table}`](", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_csharp_example_of_a_document_is_compiled()
    {
        var compiled = Tree.In("tests/Tidy/Examples/", ".cs").Concat(Tree.In("samples/", ".cs")).Append("tests/ProofKey.Testing.Tests/ExampleTests.cs").Select(path => Flat(Tree.Read(path))).ToList();
        var examples = from document in Documents
                       from Match example in Example().Matches(Tree.Read(document))
                       where !compiled.Any(text => text.Contains(Flat(example.Groups["code"].Value), StringComparison.Ordinal))
                       select $"{document}: not in tests/Tidy/Examples or samples:\n{example.Groups["code"].Value}";
        examples.ShouldBeEmpty();
    }

    [Fact]
    public void Every_test_that_a_document_names_exists()
    {
        var tests = Tree.TestSources.SelectMany(path => TestMethod().Matches(Tree.Read(path)).Select(test => $"{Path.GetFileNameWithoutExtension(path)}.{test.Groups["name"].Value}")).ToHashSet();
        var named = from document in Documents
                    from Match test in NamedTest().Matches(Tree.Read(document))
                    where !tests.Contains(test.Groups["name"].Value)
                    select $"{document}: {test.Groups["name"].Value}";
        named.ShouldBeEmpty();
    }

    private static string LineOf(string decision)
    {
        var head = DecisionTitle().Match(Tree.Read(decision));
        return $"- [{head.Groups["number"]}]({Path.GetFileName(decision)}) {head.Groups["title"]}";
    }

    // Indentation differs between a page and a class.
    private static string Flat(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex(@"create table (?:if not exists )?(?<name>\w+) \(")]
    private static partial Regex Table();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex("```.*?```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"public (?:async )?(?:void|Task|ValueTask) (?<name>\w+)\(")]
    private static partial Regex TestMethod();

    [GeneratedRegex(@"`(?<name>\w+Tests\.\w+)`")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"^\d{4}-[a-z0-9-]+\.md$")]
    private static partial Regex DecisionName();

    [GeneratedRegex(@"\A# (?<number>\d{4}): (?<title>.+)")]
    private static partial Regex DecisionTitle();

    [GeneratedRegex(@"\A# \d{4}: .+\n\nDate: \d{4}-\d\d-\d\d · Status: (accepted|replaced by \d{4})\n")]
    private static partial Regex DecisionHead();
}
