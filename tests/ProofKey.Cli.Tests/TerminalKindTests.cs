using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary>Which terminals make an address a link; the others would show the signs of it.</summary>
public sealed class TerminalKindTests
{
    [Theory]
    [InlineData("TERM_PROGRAM", "vscode", true)]
    [InlineData("TERM_PROGRAM", "Apple_Terminal", false)]
    [InlineData("TERM", "xterm-kitty", true)]
    [InlineData("TERM", "xterm-256color", false)]
    [InlineData("WT_SESSION", "4c5f", true)]
    [InlineData("VTE_VERSION", "7600", true)]
    [InlineData("VTE_VERSION", "4999", false)]
    [InlineData("VTE_VERSION", "new", false)]
    public void A_link_is_made_where_the_terminal_is_known_to_know_it(string name, string value, bool has) =>
        TerminalKind.HasLinks(asked => asked == name ? value : null).ShouldBe(has);
}
