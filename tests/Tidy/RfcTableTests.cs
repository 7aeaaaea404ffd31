namespace Tidy;

/// <summary>The sections at the rules, on the tests and in docs/rfcs.md agree.</summary>
public class RfcTableTests
{
    private static readonly RfcTable Table = new();

    [Fact]
    public void The_document_lists_every_file_and_test_that_names_a_section()
    {
        var present = Tree.Read(RfcTable.Document);
        var wanted = Table.Render(present);
        if (Environment.GetEnvironmentVariable("PROOFKEY_ACCEPT_RFCS") == "1") File.WriteAllText(Tree.Full(RfcTable.Document), wanted);
        else wanted.Split('\n').Except(present.Split('\n')).ShouldBeEmpty(
            $"{RfcTable.Document} lacks these rows; PROOFKEY_ACCEPT_RFCS=1 ./test RfcTable writes them, and you the sentence of the rule");
        wanted.Length.ShouldBe(Tree.Read(RfcTable.Document).Length, $"{RfcTable.Document} has rows that nothing names any more; PROOFKEY_ACCEPT_RFCS=1 ./test RfcTable takes them out");
    }

    [Fact]
    public void Every_row_says_its_rule()
    {
        var rules = RfcTable.RulesOf(Tree.Read(RfcTable.Document));
        Table.Sections.Where(section => string.IsNullOrEmpty(rules.GetValueOrDefault(section))).ShouldBeEmpty();
    }

    [Fact]
    public void Every_section_that_a_test_proves_is_named_where_the_source_keeps_it() => Table.Tests.Keys.Except(Table.Files.Keys).Where(section => !IsExampleOrThreat(section))
        .Select(section => $"{section} ({string.Join(", ", Table.Tests[section])})").ShouldBeEmpty();

    [Fact]
    public void Every_section_named_at_a_rule_has_a_test() => Table.AtRules.Except(Table.Tests.Keys)
        .Select(section => $"{section} ({string.Join(", ", Table.Files[section])})").ShouldBeEmpty();

    [Theory]
    [InlineData("// RFC 6749 section 3.1: once", "RFC 6749 section 3.1")]
    [InlineData("/// as said (RFC 9700\n    /// section 2.1), twice", "RFC 9700 section 2.1")]
    [InlineData("x(); // RFC 6749 section 3.1, RFC 9700 section 2.1", "RFC 6749 section 3.1", "RFC 9700 section 2.1")]
    [InlineData("// RFC 6749 section 3.1 and section 3.2, appendix B.", "RFC 6749 section 3.1", "RFC 6749 section 3.2", "RFC 6749 section B")]
    [InlineData("// OpenID Connect Core section 3.1.2.1, 43 characters", "OpenID Connect Core section 3.1.2.1")]
    [InlineData("// RFC 8252 sections 7.3 and 8.3: any port", "RFC 8252 section 7.3", "RFC 8252 section 8.3")]
    [InlineData("var text = \"RFC 6749 section 3.1\";")]
    public void Sections_are_found_in_comments(string source, params string[] sections) =>
        RfcSection.InComments(source).Select(section => section.ToString()).ShouldBe(sections);

    // Appendices and RFC 7520 hold examples, and section 2 of RFC 8725 holds attacks: no single line of the source keeps them.
    private static bool IsExampleOrThreat(RfcSection section) =>
        char.IsLetter(section.Number[0]) || section is { Document: "RFC 7520" } or { Document: "RFC 8725", Number: ['2', ..] };
}
