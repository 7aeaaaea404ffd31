using System.CommandLine;
using ProofKey.Cli.Commands;

namespace ProofKey.Cli.Tests;

/// <summary>The command line is a contract: its help stands in a file, and a change to it is a change to that file.</summary>
public sealed class HelpTests : IDisposable
{
    private readonly Cli _cli = new();

    public static TheoryData<string> Verbs => [.. PathsOf(RootVerbs.Create(), "").Where(path => path.Length > 0)];

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Help_shows_exactly_the_commands_options_and_examples_of_the_contract()
    {
        var shown = "";
        foreach (var path in PathsOf(RootVerbs.Create(), "")) shown += $"$ proofkey {path}--help\n{await _cli.OutputOfAsync([.. Words(path), "--help"])}\n\n";
        // A help that changed on purpose: copy the new text over the file.
        File.WriteAllText(Path.Combine(Cli.Folder, "help.actual.txt"), shown);
        shown.ShouldBe(await File.ReadAllTextAsync(Path.Combine(Cli.Folder, "Contract", "help.txt"), TestContext.Current.CancellationToken));
    }

    [Theory, MemberData(nameof(Verbs))]
    public async Task Each_command_says_what_it_does_and_shows_an_example_of_itself(string path)
    {
        var help = await _cli.OutputOfAsync([.. Words(path), "--help"]);
        help.ShouldContain("Description:");
        var examples = help[help.LastIndexOf("Example", StringComparison.Ordinal)..];
        examples.ShouldContain($"proofkey {path.TrimEnd()}");
    }

    [Fact]
    public async Task The_version_is_printed()
    {
        (await _cli.OutputOfAsync("--version")).ShouldStartWith("0.1.0");
    }

    private static IEnumerable<string> PathsOf(Command command, string path) =>
        command.Subcommands.SelectMany(sub => PathsOf(sub, $"{path}{sub.Name} ")).Prepend(path);

    private static string[] Words(string path) => path.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
