namespace ProofKey.Cli.Configuration;

/// <summary>Where the program keeps things when nobody says otherwise (the XDG base directories, or the system's own folders).</summary>
internal static class Folders
{
    /// <summary>The server's data.</summary>
    public static string Data() => Path.Combine(Base("XDG_DATA_HOME", ".local/share"), "proofkey");

    /// <summary>The sessions of <c>proofkey login</c>.</summary>
    public static string Sessions() => Path.Combine(Base("XDG_STATE_HOME", ".local/state"), "proofkey", "sessions");

    private static string Base(string variable, string belowHome)
    {
        // A relative path in such a variable is to be ignored, the standard says.
        if (Environment.GetEnvironmentVariable(variable) is { } set && Path.IsPathRooted(set)) return set;
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        return home.Length > 0 ? Path.Combine(home, belowHome)
            : throw CommandException.Usage("There is no home folder to keep things in.", $"Set HOME or {variable}.");
    }
}
