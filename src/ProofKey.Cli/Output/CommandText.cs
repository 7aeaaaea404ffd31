namespace ProofKey.Cli.Output;

/// <summary>Texts as parts of a command that a person may copy.</summary>
internal static class CommandText
{
    /// <summary>An argument, quoted where a shell would take it apart.</summary>
    public static string Argument(string text) =>
        text.Length > 0 && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '/' or '\\' or '.' or '-' or '_' or ':' or '~') ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
