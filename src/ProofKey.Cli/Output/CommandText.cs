using ProofKey.Client;

namespace ProofKey.Cli.Output;

/// <summary>Texts as parts of a command that a person may copy.</summary>
internal static class CommandText
{
    /// <summary>An argument, quoted where a shell would take it apart.</summary>
    public static string Argument(string text) => ShellText.Argument(text);

    /// <summary>A value that is given to a variable in a POSIX shell, which takes it as it is.</summary>
    public static string Value(string text) => text.Length > 0 && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_' or '/' or '+' or '=') ? text : ShellText.Quoted(text);
}
