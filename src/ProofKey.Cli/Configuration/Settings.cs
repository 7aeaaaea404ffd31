using System.CommandLine;
using System.Globalization;
using ProofKey.Cli.Commands;

namespace ProofKey.Cli.Configuration;

/// <summary>
/// The values of options, from the first of three places that has one: the command line, the environment variable (<c>PROOFKEY_CLIENT_ID</c>
/// for <c>--client-id</c>), the configuration file (<c>client_id</c>).
/// </summary>
internal sealed class Settings(ParseResult parsed, ConfigurationFile file)
{
    private readonly HashSet<string> _typedAlone = [.. TypedAlone(parsed)];

    private bool _looksElsewhere = true;

    /// <summary>The command line alone, where what is typed must not be mixed with what is set.</summary>
    public Settings OfCommandLine => new(parsed, file) { _looksElsewhere = false };

    /// <summary>The environment variable of an option.</summary>
    public static string VariableOf(string option) => $"PROOFKEY_{KeyOf(option).ToUpperInvariant()}";

    /// <summary>The key of an option in the configuration file.</summary>
    public static string KeyOf(string option) => option.TrimStart('-').Replace('-', '_');

    /// <summary>The names of the options that this command reads from the command line alone: a variable that was set for another verb (<c>PROOFKEY_SCOPE</c> for <c>login</c>) must not change a registration.</summary>
    public static IEnumerable<string> TypedAlone(ParseResult parsed) => parsed.CommandResult.Command is Verb verb ? verb.TypedAlone.Select(option => option.Name) : [];

    /// <summary>Those of them that a file may not have: there they would look obeyed.</summary>
    public static IEnumerable<string> RefusedInFile(ParseResult parsed) => parsed.CommandResult.Command is Verb verb ? verb.TypedAlone.Except(verb.OfAnotherVerb).Select(option => option.Name) : [];

    /// <summary>An option as its value came: <c>--port</c>, with the variable or the file that it was read from.</summary>
    public string NameOf(Option option) =>
        parsed.GetResult(option) is { Implicit: false } || !LooksElsewhere(option.Name) ? option.Name
        : Variable(option.Name) is not null ? $"{option.Name} ({VariableOf(option.Name)})"
        : file.Texts(KeyOf(option.Name)) is not null ? $"{option.Name} ({KeyOf(option.Name)} in {file.Location})"
        : option.Name;

    /// <summary>Whether the environment has a value for an option, whatever it counts.</summary>
    public static bool HasVariable(Option option) => Variable(option.Name) is not null;

    /// <summary>The value of an option that has one.</summary>
    /// <exception cref="CommandException">It was given empty, as an unset variable of a shell is.</exception>
    public string? Text(Option<string> option)
    {
        var text = parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option) : Elsewhere(option.Name);
        return text is not { Length: 0 } ? text : throw CommandException.Usage($"{NameOf(option)} is empty.", $"Give {option.Name} {option.HelpName}, or leave it out.");
    }

    /// <summary>The value of an option that must be there.</summary>
    /// <exception cref="CommandException">It is not.</exception>
    public string Required(Option<string> option) => Text(option) is { Length: > 0 } text
        ? text
        : throw CommandException.Usage($"{option.Name} is needed.", $"Give {option.Name} {option.HelpName}{(LooksElsewhere(option.Name) ? $", or set {VariableOf(option.Name)}" : "")}.");

    /// <summary>The values of an option that may be given several times; in a variable, white space lies between them, or line ends where a value may hold spaces.</summary>
    public IReadOnlyList<string> Texts(Option<string[]> option)
    {
        if (parsed.GetResult(option) is { Implicit: false }) return parsed.GetValue(option) ?? [];
        if (!LooksElsewhere(option.Name)) return [];
        return Variable(option.Name) is { } variable ? variable.Split(option.Name == "--header" ? ['\n'] : (char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : file.Texts(KeyOf(option.Name)) ?? [];
    }

    /// <summary>Whether a switch is on.</summary>
    public bool Flag(Option<bool> option) => Switch(option) ?? false;

    /// <summary>Whether a switch is on or off; <see langword="null"/> when nothing was said.</summary>
    public bool? Switch(Option<bool> option)
    {
        if (parsed.GetResult(option) is { Implicit: false }) return parsed.GetValue(option);
        return Elsewhere(option.Name) switch
        {
            null => null,
            "false" or "0" or "no" => false,
            "true" or "1" or "yes" => true,
            _ => throw CommandException.Usage($"{option.Name} is on or off, and its value is neither.", $"Set {VariableOf(option.Name)} to true or false."),
        };
    }

    /// <summary>One of a few words; the first one when nothing was said.</summary>
    public string Choice(Option<string> option, params string[] words)
    {
        var word = Text(option) ?? words[0];
        return words.Contains(word) ? word : throw CommandException.Usage($"{NameOf(option)} is not {word}.", $"Choose {string.Join(" or ", words)}.");
    }

    /// <summary>A length of time, such as <c>90s</c>, <c>5m</c> or <c>1h</c>.</summary>
    public TimeSpan Duration(Option<string> option, TimeSpan otherwise) => Text(option) is not { } text ? otherwise : Duration(text)
        ?? throw CommandException.Usage($"{NameOf(option)} is a length of time, which {text} is not.", "Write a number of seconds, minutes or hours, such as 90s, 5m or 1h.");

    /// <summary>A setting that has no option, only a variable and a key.</summary>
    public string? Elsewhere(string option) => !LooksElsewhere(option) ? null : Variable(option) ?? file.Texts(KeyOf(option)) switch
    {
        null => null,
        [var one] => one,
        _ => throw CommandException.Usage($"The key {KeyOf(option)} of the configuration file must have one value.", "Write one text."),
    };

    private bool LooksElsewhere(string option) => _looksElsewhere && !_typedAlone.Contains(option);

    private static string? Variable(string option) => Environment.GetEnvironmentVariable(VariableOf(option)) is { Length: > 0 } value && !IsOfAService(option, value) ? value : null;

    // Kubernetes, "Accessing the Service": every pod beside a service called proofkey has such a PROOFKEY_PORT, and so has a container with a link of that name.
    private static bool IsOfAService(string option, string value) => option == "--port" && value.Contains("://", StringComparison.Ordinal);

    private static TimeSpan? Duration(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > 1_000_000) return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            _ => null,
        };
    }
}
