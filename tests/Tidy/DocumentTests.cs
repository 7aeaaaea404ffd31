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
    public void Every_anchor_of_a_link_is_a_heading_there()
    {
        var links = from document in Documents
                    from Match link in Anchor().Matches(Fence().Replace(Tree.Read(document), ""))
                    let target = link.Groups["target"].Value
                    let page = target.Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, target)
                    where !target.Contains("://", StringComparison.Ordinal) && Tree.Exists(page)
                    select (document, page, anchor: link.Groups["anchor"].Value);
        links.ShouldNotBeEmpty();
        links.Where(link => !Anchors(link.page).Contains(link.anchor)).Select(link => $"{link.document}: {link.page}#{link.anchor}").ShouldBeEmpty();
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
    public void A_page_names_our_namespaces_that_its_examples_need()
    {
        var sources = Tree.In("tests/Tidy/Examples/", ".cs").Concat(Tree.In("samples/", ".cs")).Select(Tree.Read).ToList();
        var silent = from document in Documents.Where(path => path.StartsWith("docs/", StringComparison.Ordinal))
                     let page = Tree.Read(document)
                     from Match example in Example().Matches(page)
                     from source in sources.Where(text => Flat(text).Contains(Flat(example.Groups["code"].Value), StringComparison.Ordinal)).Take(1)
                     from Match used in Using().Matches(source)
                     let name = used.Groups["name"].Value
                     where !page.Contains($"using {name};", StringComparison.Ordinal) && !page.Contains($"`{name}`", StringComparison.Ordinal)
                     select $"{document}: name `{name}`, which an example needs";
        silent.Distinct().ShouldBeEmpty();
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

    // As GitHub makes them of headings: small letters, spaces as hyphens, nothing else; the second of a name has a number.
    private static HashSet<string> Anchors(string page)
    {
        var anchors = new HashSet<string>();
        foreach (var heading in Heading().Matches(Fence().Replace(Tree.Read(page), "")).Select(match => Linked().Replace(match.Groups["text"].Value, "${text}")))
        {
            var anchor = Unspoken().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');
            for (var number = 1; !anchors.Add(number == 1 ? anchor : $"{anchor}-{number - 1}"); number++) ;
        }
        return anchors;
    }

    // Indentation differs between a page and a class.
    private static string Flat(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex(@"create table (?:if not exists )?(?<name>\w+) \(")]
    private static partial Regex Table();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]*)#(?<anchor>[^)\s]+)\)")]
    private static partial Regex Anchor();

    [GeneratedRegex("^#{1,6} (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\[(?<text>[^\]]*)\]\([^)]*\)")]
    private static partial Regex Linked();

    [GeneratedRegex(@"[^\p{L}\p{N}\p{M} _-]")]
    private static partial Regex Unspoken();

    // Core's are those of all: its namespace is the first part of each.
    [GeneratedRegex(@"^using (?<name>ProofKey\.[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

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
