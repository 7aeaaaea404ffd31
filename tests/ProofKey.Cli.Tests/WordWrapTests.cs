using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary>Words are not broken at the terminal's edge, and addresses nowhere.</summary>
public sealed class WordWrapTests
{
    [Theory]
    [InlineData(80, "one two three")]
    [InlineData(13, "one two three")]
    [InlineData(12, "one two|three")]
    [InlineData(7, "one two|three")]
    [InlineData(6, "one|two|three")]
    [InlineData(2, "one|two|three")]
    public void Lines_end_between_words(int width, string expected) => string.Join('|', WordWrap.Lines("one two three", width)).ShouldBe(expected);

    [Fact]
    public void An_address_that_is_longer_than_a_line_stays_in_one_piece() =>
        WordWrap.Lines("Go to https://login.example.com/authorize?client_id=app now", 20).ShouldBe(["Go to", "https://login.example.com/authorize?client_id=app", "now"]);

    [Fact]
    public void A_command_that_is_to_be_copied_stays_in_one_piece()
    {
        WordWrap.Lines("Sign in with: proofkey login ISSUER --client-id ID", 40).ShouldBe(["Sign in with:", "proofkey login ISSUER --client-id ID"]);
        WordWrap.Lines("Sign in with: proofkey login ISSUER --client-id ID", 20).ShouldBe(["Sign in with:", "proofkey login ISSUER --client-id ID"]);
        WordWrap.Lines("Find it with: ss -ltnp 'sport = :80'; end it, or take another", 24).ShouldBe(["Find it with:", "ss -ltnp 'sport = :80';", "end it, or take another"]);
        WordWrap.Lines("It is made with: (umask 077; head -c 32 FILE)", 24).ShouldBe(["It is made with:", "(umask 077; head -c 32 FILE)"]);
        WordWrap.Lines("error: proofkey", 12).ShouldBe(["error:", "proofkey"]);
        WordWrap.Lines("What proofkey is: a program", 14).ShouldBe(["What proofkey", "is: a program"]);
    }

    [Fact]
    public void What_goes_on_can_be_indented() => WordWrap.Lines("x one two three", 10, indent: 2).ShouldBe(["x one two", "  three"]);

    [Fact]
    public void What_begins_with_spaces_keeps_them() => WordWrap.Lines("   one two three", 10, indent: 3).ShouldBe(["   one two", "   three"]);

    [Fact]
    public void Wide_signs_take_two_columns() => WordWrap.Lines("署名 署名", 8).ShouldBe(["署名", "署名"]);

    [Fact]
    public void Without_a_terminal_nothing_is_broken() => WordWrap.Lines("one two three", null).ShouldBe(["one two three"]);

    [Theory]
    [InlineData(40), InlineData(80)]
    public void An_error_keeps_to_the_width_of_the_terminal(int width)
    {
        var said = new StringWriter();
        new Terminal { Error = said, Width = width }.Fail(new Failure(6, "The server did not answer: 127.0.0.1:8080 could not be reached (ConnectionError).", "Check its address and that it runs, or try again later; nothing was lost."));
        var lines = said.ToString().TrimEnd().Split('\n');
        lines.Length.ShouldBeGreaterThan(2);
        lines.ShouldAllBe(line => line.Length <= width);
        string.Join(' ', lines).ShouldStartWith("error: The server did not answer: 127.0.0.1:8080 could not");
    }
}
