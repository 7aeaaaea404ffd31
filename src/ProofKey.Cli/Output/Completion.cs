using System.CommandLine;

namespace ProofKey.Cli.Output;

/// <summary>One thing that can stand where the cursor is, and what it is.</summary>
internal readonly record struct Candidate(string Word, string Description);

/// <summary>What can come next on a command line, by the same model that parses it. Nothing is read but the names of profiles.</summary>
/// <param name="root">The program's commands.</param>
/// <param name="valuesOf">The known values of an option or argument; none where it takes anything.</param>
internal sealed class Completion(Command root, Func<Symbol, IEnumerable<string>?> valuesOf)
{
    // How the help names the values that are files.
    private static readonly string[] FileNames = ["FILE", "DIR"];

    /// <summary>Completes a word.</summary>
    /// <param name="before">The words before it, without the program's name.</param>
    /// <param name="word">What is there of it.</param>
    /// <returns>The candidates; <see langword="null"/> where a file's name is wanted, which the shell knows best.</returns>
    public IReadOnlyList<Candidate>? Of(IReadOnlyList<string> before, string word)
    {
        var (command, arguments, waiting) = (root, 0, (Option?)null);
        foreach (var typed in before)
        {
            // What follows is another program's.
            if (typed == "--") return null;
            if (waiting is not null) waiting = null;
            else if (OptionOf(command, typed) is { } option) waiting = TakesValue(option) ? option : null;
            else if (command.Subcommands.FirstOrDefault(sub => sub.Name == typed) is { } sub) (command, arguments) = (sub, 0);
            else if (!typed.StartsWith('-')) arguments++;
        }
        if (waiting is not null) return ValuesOf(waiting, waiting.HelpName, word);
        if (word.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals && OptionOf(command, word[..equals]) is { } assigned)
            return ValuesOf(assigned, assigned.HelpName, word[(equals + 1)..])?.Select(value => value with { Word = $"{word[..equals]}={value.Word}" }).ToList();
        return word.StartsWith('-') ? OptionsOf(command, word) : WordsOf(command, arguments, word);
    }

    private List<Candidate>? WordsOf(Command command, int arguments, string word)
    {
        if (command.Subcommands.Count > 0) return [.. command.Subcommands.Where(sub => !sub.Hidden && Begins(sub.Name, word)).Select(sub => new Candidate(sub.Name, FirstSentence(sub.Description)))];
        // The last argument may take several words.
        var argument = command.Arguments.Where(one => !one.Hidden).ElementAtOrDefault(arguments);
        return argument is null ? OptionsOf(command, word) : ValuesOf(argument, argument.Name, word);
    }

    private List<Candidate>? ValuesOf(Symbol symbol, string? name, string word)
    {
        var known = valuesOf(symbol);
        if (known is null && name is not null && FileNames.Any(file => name.Contains(file, StringComparison.Ordinal))) return null;
        known ??= name?.Contains('|', StringComparison.Ordinal) == true ? name.Split('|').Where(IsWord) : [];
        return [.. known.Where(value => Begins(value, word)).Select(value => new Candidate(value, ""))];
    }

    // Words to type are in small letters, or names of algorithms; what stands for something else is in capitals alone.
    private static bool IsWord(string value) => value.All(character => char.IsAsciiLetterLower(character) || character == '_') || (value.Any(char.IsAsciiDigit) && value.All(char.IsAsciiLetterOrDigit));

    private List<Candidate> OptionsOf(Command command, string word) =>
        [.. All(command).Where(option => !option.Hidden).SelectMany(option => option.Aliases.Prepend(option.Name).Where(name => Begins(name, word) && (word.Length == 0 ? name == option.Name : true)).Select(name => new Candidate(name, FirstSentence(option.Description))))];

    private Option? OptionOf(Command command, string name) => All(command).FirstOrDefault(option => option.Name == name || option.Aliases.Contains(name));

    private IEnumerable<Option> All(Command command) => command == root ? command.Options : command.Options.Concat(root.Options.Where(option => option.Recursive));

    private static bool TakesValue(Option option) => option.ValueType != typeof(bool) && option is not (VersionOption or System.CommandLine.Help.HelpOption);

    private static string FirstSentence(string? text) => text?.Split(". ")[0].TrimEnd('.') ?? "";

    private static bool Begins(string text, string word) => text.StartsWith(word, StringComparison.Ordinal);
}
