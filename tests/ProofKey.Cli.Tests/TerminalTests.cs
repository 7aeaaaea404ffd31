namespace ProofKey.Cli.Tests;

/// <summary>The program on a terminal, which <c>script</c> provides; what stands there comes back on stderr.</summary>
public sealed class TerminalTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_password_is_asked_for_twice_and_not_shown()
    {
        await using var adding = _cli.StartOnTerminal($"user add alice --data {_cli.Data}");
        await adding.UntilAsync(new("Password: "));
        await adding.TypeAsync("correct horsx\u007fe battery\r");
        await adding.UntilAsync(new("Once more: "));
        await adding.TypeAsync("something else\r");
        await adding.UntilAsync(new("The two are not the same.\\s+Password: "));
        await adding.TypeAsync("correct horse battery\r");
        await adding.UntilAsync(new("same.*Once more: ", System.Text.RegularExpressions.RegexOptions.Singleline));
        await adding.TypeAsync("correct horse battery\r");
        await adding.UntilAsync(new("Added alice"));
        adding.Errors.ShouldNotContain("horse");
        (await adding.EndAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Control_C_at_the_password_adds_nobody()
    {
        await using var adding = _cli.StartOnTerminal($"user add alice --data {_cli.Data}");
        await adding.UntilAsync(new("Password: "));
        await adding.TypeAsync("correct\u0003");
        await adding.UntilAsync(new("Cancelled."));
        (await adding.EndAsync()).ExitCode.ShouldBe(9);
        (await _cli.OutputOfAsync("user", "list", "--json", "--data", _cli.Data)).ShouldBe("[]");
    }

    [Fact]
    public async Task Help_ends_its_lines_at_the_edge_of_the_terminal()
    {
        await using (var narrow = _cli.StartAs("script", "-qfec", $"stty cols 60; exec {_cli.Program} token --help", "/dev/stderr"))
        {
            var lines = (await narrow.EndAsync()).Output.ReplaceLineEndings("\n").Split('\n');
            var options = lines.SkipWhile(line => line != "Options:").TakeWhile(line => line != "Examples:").ToList();
            options.Count.ShouldBeGreaterThan(10);
            options.ShouldAllBe(line => line.Length <= 60);
        }
        await using var unknown = _cli.StartAs("script", "-qfec", $"stty cols 0; exec {_cli.Program} --help", "/dev/stderr");
        (await unknown.EndAsync()).Output.ShouldContain("An option has an environment variable, as PROOFKEY_DATA for --data, and a key in\r\n");
    }

    [Fact]
    public async Task A_list_is_a_table_and_an_error_is_red()
    {
        await _cli.OutputOfAsync("client", "add", "My [red]app[/]", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data);
        await using var listing = _cli.StartOnTerminal($"client list --data {_cli.Data}");
        var table = await listing.EndAsync();
        table.Errors.ShouldContain("─");
        table.Errors.ShouldContain("My [red]app[/]");

        await using var failing = _cli.StartOnTerminal("token");
        (await failing.EndAsync()).Errors.ShouldContain("\e[1;31merror:\e[0m Nobody has signed in here yet.");
    }
}
