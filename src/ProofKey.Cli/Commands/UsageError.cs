using System.CommandLine;
using System.CommandLine.Parsing;

namespace ProofKey.Cli.Commands;

/// <summary>What is wrong with a command line that does not fit any command.</summary>
internal static class UsageError
{
    public static Failure Of(ParseResult parsed)
    {
        var errors = parsed.Errors.Select(SentenceOf).Distinct().ToList();
        // A word that is no command is the reason why a command is missing; what follows an unknown option is most often its value.
        var typed = parsed.Tokens.Where(token => token.Type == TokenType.Argument).Select(token => token.Value).FirstOrDefault(word => errors.Contains(Unrecognized(word)));
        var problem = typed is null ? string.Join(' ', errors) : Unrecognized(typed);
        var path = PathOf(parsed.CommandResult);
        var meant = typed is null ? null : Meant(Namesakes(parsed.CommandResult.Command, typed), typed);
        return new Failure(ExitCodes.WrongUsage, problem, meant is null ? $"See: {path} --help" : $"Did you mean: {path} {meant}");
    }

    /// <summary>What the parser says of a word that it cannot place.</summary>
    public static string Unrecognized(string word) => $"Unrecognized command or argument '{word}'.";

    /// <summary>The one of some words that was meant by another one, if that is a typing error.</summary>
    public static string? Meant(IEnumerable<string> words, string typed) => words.Where(word => Distance(word, typed) <= Math.Min(2, typed.Length / 2)).MinBy(word => Distance(word, typed));

    // The parser says of which command it is missing, and not which it is.
    private static string SentenceOf(ParseError error) =>
        error.SymbolResult is ArgumentResult { Tokens.Count: 0, Parent: CommandResult, Argument: { Arity.MinimumNumberOfValues: > 0, Name: var name } } ? $"{name} is missing."
        : error.Message.EndsWith('.') ? error.Message : error.Message + ".";

    private static IEnumerable<string> Namesakes(Command command, string typed) =>
        typed.StartsWith("--", StringComparison.Ordinal) ? command.Options.Where(option => !option.Hidden).Select(option => option.Name) : command.Subcommands.Select(sub => sub.Name);

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
