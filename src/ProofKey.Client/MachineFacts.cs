namespace ProofKey.Client;

/// <summary>The systems whose browsers are opened in different ways.</summary>
internal enum SystemKind
{
    Linux,
    MacOS,
    Windows,
}

/// <summary>All that is looked at to find the way to a browser, so that the decision itself looks at nothing.</summary>
/// <param name="System">The system.</param>
/// <param name="Variable">Reads an environment variable; empty counts as unset.</param>
/// <param name="Exists">Whether a file is there.</param>
/// <param name="Read">A small file's text; empty if it cannot be read.</param>
/// <param name="HasScreen">Whether the session could show a window at all; a Windows service's could not.</param>
internal sealed record MachineFacts(SystemKind System, Func<string, string?> Variable, Func<string, bool> Exists, Func<string, string> Read, bool HasScreen)
{
    public static MachineFacts OfThisMachine { get; } = new(
        OperatingSystem.IsWindows() ? SystemKind.Windows : OperatingSystem.IsMacOS() ? SystemKind.MacOS : SystemKind.Linux,
        name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null,
        File.Exists,
        ReadText,
        Environment.UserInteractive);

    /// <summary>The folder with the programs of Windows.</summary>
    public string SystemFolder { get; init; } = Environment.SystemDirectory;

    public bool Has(string variable) => Variable(variable) is not null;

    public override string ToString() => $"{nameof(MachineFacts)} of {System}";

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
