using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>The pages of traps name tests that exist.</summary>
public partial class TrapTests
{
    [Theory]
    [InlineData("docs/traps.md")]
    [InlineData("docs/client-traps.md")]
    public void Every_test_that_a_page_of_traps_names_is_there(string page)
    {
        var named = Name().Matches(Tree.Read(page)).Select(match => match.Groups["name"].Value).Distinct().ToList();
        named.Count.ShouldBeGreaterThan(20);
        var written = Tree.TestSources.SelectMany(path => Method().Matches(Tree.Read(path)).Select(match => match.Groups["name"].Value)).ToHashSet();
        named.Where(name => !written.Contains(name)).ShouldBeEmpty($"{page} names these tests");
    }

    [GeneratedRegex("`(?<name>[A-Z][a-z0-9]*(_[A-Za-z0-9]+)+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"public (async )?(Task|void) (?<name>[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+)\(")]
    private static partial Regex Method();
}
