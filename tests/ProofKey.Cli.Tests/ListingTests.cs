using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary>Rows on a terminal: a table, or one block for each row where a table would cut words, which nobody can copy then.</summary>
public sealed class ListingTests : SignedInCli
{
    [Theory]
    [InlineData(80)]
    [InlineData(40)]
    public async Task Where_a_table_would_cut_words_each_profile_is_a_block(int columns)
    {
        await LoginAsync("-p", "work");
        var (first, second) = (await Cli.SessionOfAsync(), await Cli.SessionOfAsync("work"));
        var shown = await ListAsync("list", columns);
        shown.ShouldNotContain("╭");
        var blocks = shown.TrimEnd().Split("\n\n");
        blocks.Length.ShouldBe(2, shown);
        foreach (var (block, session) in blocks.Zip([first, second]))
            foreach (var line in (string[])[$"profile      {session.Profile}", $"issuer       {Server.Issuer}", $"client id    {session.ClientId}", "state        signed in", $"subject      {session.Subject}"])
                block.Split('\n').ShouldContain(line);
        shown.ShouldContain("active       yes");
    }

    [Fact]
    public async Task Where_it_fits_it_is_a_table() => (await ListAsync("list", 250)).ShouldContain("╭");

    [Fact]
    public async Task A_table_breaks_sentences_between_words()
    {
        const string Words = "See the orders that were placed within the last thirty days, and who placed them";
        (await Cli.RunAsync("scope", "set", "orders.read", Words, "--data", Cli.Data)).ExitCode.ShouldBe(0);
        var shown = await ListAsync($"scope list --data {Cli.Data}", 60);
        shown.ShouldContain("╭");
        string.Join(' ', shown.Split('\n').Where(line => line.StartsWith('│')).Select(line => line.Split('│')[2].Trim())).ShouldEndWith(Words);
        shown.Split('\n').ShouldAllBe(line => WordWrap.Columns(line) <= 60);
    }

    private async Task<string> ListAsync(string command, int columns)
    {
        await using var listing = Cli.StartOnTerminal(command, columns);
        var outcome = await listing.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        return outcome.Output.Replace("\r", "", StringComparison.Ordinal);
    }
}
