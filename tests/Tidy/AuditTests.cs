using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>docs/audit.md has every kind of event, and no other.</summary>
public partial class AuditTests
{
    [Fact]
    public void Every_kind_of_audit_event_is_in_the_document_and_every_one_there_is_recorded()
    {
        var recorded = Tree.Sources.SelectMany(path => Recorded().Matches(Tree.Read(path)).Select(kind => kind.Groups["kind"].Value)).Distinct().Order();
        var explained = Row().Matches(Tree.Read("docs/audit.md")).SelectMany(row => Kind().Matches(row.Value).Select(kind => kind.Groups["kind"].Value)).Order();
        explained.ShouldBe(recorded);
    }

    // In an event, or in what makes one for a grant.
    [GeneratedRegex(@"(new AuditEvent|Audited)\(""(?<kind>[a-z-]+)""")]
    private static partial Regex Recorded();

    [GeneratedRegex(@"^\| `[^|]*\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`(?<kind>[a-z-]+)`")]
    private static partial Regex Kind();
}
