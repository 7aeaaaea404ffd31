using System.Diagnostics;
using System.Runtime.InteropServices;
using ProofKey.Cli.Output;
using ProofKey.Client.Loopback;

namespace ProofKey.Cli.Sessions;

/// <summary>
/// A program that takes the place of this one, as <c>exec</c> of a shell does: its exit code, the signals that it gets and the terminal are its own. On
/// Windows, which knows no such thing, it is started and waited for.
/// </summary>
internal sealed partial class OtherProgram
{
    private const int BrokenPipe = 13;

    // execvp(3) of old looks in the current folder too, where anybody's programs may lie.
    private const string UsualPath = "/usr/bin:/bin";

    private readonly string _name;
    private readonly string _path;

    private OtherProgram(string name, string path) => (_name, _path) = (name, path);

    /// <summary>Looks for a program, in <c>PATH</c> unless its name has a slash.</summary>
    /// <exception cref="CommandException">It is not there, or may not be run.</exception>
    public static OtherProgram Find(string name)
    {
        var candidates = OperatingSystem.IsWindows() ? OnWindows(name) : OnUnix(name);
        if (candidates.Find(IsExecutable) is { } path) return new OtherProgram(name, path);
        if (candidates.Exists(Directory.Exists)) throw new CommandException(ExitCodes.CannotRun, $"{PlainText.Of(name)} is a folder.", "Name a program in it.");
        throw candidates.Exists(File.Exists)
            ? new CommandException(ExitCodes.CannotRun, $"{PlainText.Of(name)} is not a program that may be run.", "Make it one with: chmod +x")
            : new CommandException(ExitCodes.NotFound, $"{PlainText.Of(name)} was not found.", "Check its name and PATH.");
    }

    /// <summary>Runs it with a token in its environment; returns on Windows alone.</summary>
    /// <exception cref="CommandException">The system does not run it.</exception>
    public async Task<int> RunAsync(string[] arguments, string variable, string token)
    {
        if (OperatingSystem.IsWindows()) return await WaitAsync(arguments, variable, token);
        // The runtime ignores this signal, and a program that is run would inherit that.
        Signal(BrokenPipe, 0);
        // The process's own variables, since the runtime's copy of them has lost what is not UTF-8
        foreach (var name in BrowserLauncher.OwnVariables) _ = UnsetVariable(name);
        TerminalModes.PutBack();
        DeleteDiagnosticSocket();
        if (SetVariable(variable, token, overwrite: 1) == 0) _ = Execv(_path, [_name, .. arguments, null]);
        throw new CommandException(ExitCodes.CannotRun, $"{PlainText.Of(_name)} cannot be run: {Marshal.GetLastPInvokeErrorMessage()}.", "Check that it is a program for this machine, or a script whose first line names one.");
    }

    // The runtime makes it for debuggers, and deletes it at an end of its own, which does not come.
    private static void DeleteDiagnosticSocket()
    {
        try
        {
            foreach (var socket in Directory.EnumerateFiles(Path.GetTempPath(), $"dotnet-diagnostic-{Environment.ProcessId}-*-socket")) File.Delete(socket);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            // It is in nobody's way.
        }
    }

    private async Task<int> WaitAsync(string[] arguments, string variable, string token)
    {
        var start = new ProcessStartInfo(_path, arguments) { UseShellExecute = false };
        foreach (var name in BrowserLauncher.OwnVariables) start.Environment.Remove(name);
        start.Environment[variable] = token;
        try
        {
            using var process = Process.Start(start)!;
            // Ctrl-C goes to both; what it does is for the other one to say.
            await process.WaitForExitAsync(CancellationToken.None);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new CommandException(ExitCodes.NotFound, $"{PlainText.Of(_name)} cannot be run: {missing.Message.TrimEnd('.')}.", "Check its name and PATH.", missing);
        }
    }

    private static List<string> OnUnix(string name) => name.Contains('/', StringComparison.Ordinal) ? [name]
        : [.. (Environment.GetEnvironmentVariable("PATH") is { Length: > 0 } set ? set : UsualPath).Split(':').Select(folder => Path.Combine(folder.Length == 0 ? "." : folder, name)).Where(File.Exists)];

    // Windows itself would look in the current folder first; it leaves the ending of a program out.
    private static List<string> OnWindows(string name)
    {
        var file = Path.HasExtension(name) ? name : $"{name}.exe";
        return Path.GetFileName(name) != name ? [Path.GetFullPath(file)]
            : [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Where(Path.IsPathFullyQualified).Select(folder => Path.Combine(folder, file)).Where(File.Exists)];
    }

    private static bool IsExecutable(string path) => File.Exists(path)
        && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Execv(string path, string?[] arguments);

    [LibraryImport("libc", EntryPoint = "setenv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int UnsetVariable(string name);

    [LibraryImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Signal(int number, nint handler);
}
