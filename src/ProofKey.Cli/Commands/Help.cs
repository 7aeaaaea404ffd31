using System.CommandLine;
using System.CommandLine.Help;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary>The help of a command: what the parser knows of it, then examples.</summary>
internal static class Help
{
    public static readonly HelpOption Option = new("--help", "-h") { Description = "Show help." };

    private static readonly string[] Closing =
    [
        "An option has an environment variable, as PROOFKEY_DATA for --data, and a key in the file of --config, as \"data\". What is said for one time alone counts on the command line alone; the help of such a command says which options those are. PROOFKEY_SESSIONS moves the folder of sessions.",
        $"Exit codes: {Listed(ExitCodes.All)}. With exec: those of its program, or {Listed(ExitCodes.OfExec)}.",
    ];

    public static bool IsAskedFor(ParseResult parsed) => parsed.GetResult(Option) is { Implicit: false };

    /// <summary>Writes the help of the command that was typed.</summary>
    public static void Write(ParseResult parsed, Terminal terminal)
    {
        var writer = terminal.Out;
        parsed.InvocationConfiguration.Output = writer;
        var help = new HelpAction();
        if (terminal.OutWidth is { } width) help.MaxWidth = width;
        help.Invoke(parsed);
        var command = parsed.CommandResult.Command;
        writer.WriteLine(command is Verb { Examples.Count: > 1 } ? "Examples:" : "Example:");
        foreach (var example in ExamplesOf(command)) writer.WriteLine($"  {example}");
        writer.WriteLine();
        foreach (var line in ClosingOf(command).SelectMany(text => WordWrap.Lines(text, terminal.OutWidth ?? 80))) writer.WriteLine(line);
        if (command is Verb { TypedAlone.Count: > 0 }) writer.WriteLine();
    }

    private static string Listed(ExitCode[] codes) => string.Join(", ", codes.Select(code => $"{code.Code} {code.Words}"));

    private static string[] ClosingOf(Command command) =>
        command is not Verb verb ? Closing
        : verb.TypedAlone.Count == 0 ? []
        : [$"On the command line alone, and neither as a variable nor in the file of --config: {string.Join(", ", verb.TypedAlone.Select(option => option.Name))}."];

    // A group shows the first example of its first verb.
    private static IEnumerable<string> ExamplesOf(Command command) =>
        command is Verb verb ? verb.Examples : ((Verb?)command.Subcommands.FirstOrDefault(sub => sub is Verb))?.Examples.Take(1) ?? [];
}
