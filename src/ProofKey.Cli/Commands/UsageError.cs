using System.CommandLine;
using System.CommandLine.Parsing;

namespace ProofKey.Cli.Commands;

/// <summary>What is wrong with a command line that does not fit any command.</summary>
internal static class UsageError
{
    public static Failure Of(ParseResult parsed)
    {
        var problem = string.Join(' ', parsed.Errors.Select(error => error.Message.EndsWith('.') ? error.Message : error.Message + ".").Distinct());
        return new Failure(ExitCodes.WrongUsage, problem, $"See: {PathOf(parsed.CommandResult)} --help");
    }

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "proofkey";
}
