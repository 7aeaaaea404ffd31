using System.Runtime.CompilerServices;

namespace ProofKey.Cli.Tests;

/// <summary>PowerShell, as the list of tools at the root of the project pins it.</summary>
public static class PowerShell
{
    /// <summary>What to do where it is missing.</summary>
    public const string Remedy = "PowerShell is needed here: dotnet tool restore\n";

    /// <summary>The command that runs a script in it.</summary>
    public static string[] Command(Cli cli, string script)
    {
        // Tools are found from the folder of their list, in the packages of the home folder.
        foreach (var name in (string[])["HOME", "NUGET_PACKAGES", "DOTNET_CLI_HOME"]) cli.Environment[name] = Environment.GetEnvironmentVariable(name);
        (cli.Environment["POWERSHELL_TELEMETRY_OPTOUT"], cli.Environment["POWERSHELL_UPDATECHECK"]) = ("1", "Off");
        return ["env", "-C", Root(), "dotnet", "tool", "run", "pwsh", "--", "-NoProfile", "-NonInteractive", "-Command", script];
    }

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));
}
