using System.CommandLine;
using System.CommandLine.Parsing;

namespace ProofKey.Cli.Commands;

/// <summary>What is wrong with a command line that does not fit any command.</summary>
internal static class UsageError
{
    public static Failure Of(ParseResult parsed)
    {
        // A word that is no command is the reason why a command is missing.
        var typed = parsed.UnmatchedTokens is [var first, ..] ? first : null;
        var errors = parsed.Errors.Select(error => error.Message.EndsWith('.') ? error.Message : error.Message + ".").Distinct().ToList();
        var problem = typed is null ? string.Join(' ', errors) : errors.FirstOrDefault(error => error.Contains($"'{typed}'", StringComparison.Ordinal)) ?? errors[0];
        var path = PathOf(parsed.CommandResult);
        var meant = typed is null ? null : parsed.CommandResult.Command.Subcommands.Select(sub => sub.Name).Where(name => Distance(name, typed) <= Math.Min(2, typed.Length / 2)).MinBy(name => Distance(name, typed));
        return new Failure(ExitCodes.WrongUsage, problem, meant is null ? $"See: {path} --help" : $"Did you mean: {path} {meant}");
    }

    // How many letters must be changed, added or taken away to make one word of the other (Levenshtein)
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0]++;
            for (var j = 1; j <= right.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (left[i - 1] == right[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "proofkey";
}
