namespace ProofKey.Client;

/// <summary>Texts as parts of a command that a person may copy out of a message.</summary>
internal static class ShellText
{
    /// <summary>An argument, quoted where a shell would take it apart.</summary>
    public static string Argument(string text) =>
        text.Length > 0 && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '/' or '\\' or '.' or '-' or '_' or ':' or '~') ? text : Quoted(text);

    /// <summary>The same text as one word of a POSIX shell, whatever is in it.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
