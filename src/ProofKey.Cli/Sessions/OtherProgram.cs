using System.Diagnostics;
using System.Runtime.InteropServices;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Sessions;

/// <summary>
/// A program that takes the place of this one, as <c>exec</c> of a shell does: its exit code, the signals that it gets and the terminal are its own. On
/// Windows, which knows no such thing, it is started and waited for.
/// </summary>
internal sealed partial class OtherProgram
{
    // As env(1) and the shells say it
    private const int NotFound = 127;
    private const int CannotRun = 126;

    private const int BrokenPipe = 13;

    // execvp(3) of old looks in the current folder too, where anybody's programs may lie.
    private const string UsualPath = "/usr/bin:/bin";

    // What unlocks our own files is none of its business.
    private static readonly string[] Ours = ["PROOFKEY_PASSPHRASE", "PROOFKEY_ROOT_KEY"];

    private readonly string _name;
    private readonly string _path;

    private OtherProgram(string name, string path) => (_name, _path) = (name, path);

    /// <summary>Looks for a program, in <c>PATH</c> unless its name has a slash.</summary>
    /// <exception cref="CommandException">It is not there, or may not be run.</exception>
    public static OtherProgram Find(string name)
    {
        var candidates = OperatingSystem.IsWindows() ? OnWindows(name) : OnUnix(name);
        if (candidates.Find(IsExecutable) is { } path) return new OtherProgram(name, path);
        throw candidates.Exists(File.Exists)
            ? new CommandException(CannotRun, $"{PlainText.Of(name)} is not a program that may be run.", "Make it one with: chmod +x")
            : new CommandException(NotFound, $"{PlainText.Of(name)} was not found.", "Check its name and PATH.");
    }

    /// <summary>Runs it with a token in its environment; returns on Windows alone.</summary>
    /// <exception cref="CommandException">The system does not run it.</exception>
    public async Task<int> RunAsync(string[] arguments, string variable, string token)
    {
        var environment = new Dictionary<string, string?> { [variable] = token };
        foreach (var (name, value) in Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(entry => ((string)entry.Key, (string?)entry.Value)))
            if (!Ours.Contains(name)) environment.TryAdd(name, value);
        if (OperatingSystem.IsWindows()) return await WaitAsync(arguments, environment);
        // The runtime ignores this signal, and a program that is run would inherit that.
        Signal(BrokenPipe, 0);
        _ = Execve(_path, [_name, .. arguments, null], [.. environment.Select(entry => $"{entry.Key}={entry.Value}"), null]);
        throw new CommandException(CannotRun, $"{PlainText.Of(_name)} cannot be run: {Marshal.GetLastPInvokeErrorMessage()}.", "Check that it is a program for this machine, or a script whose first line names one.");
    }

    private async Task<int> WaitAsync(string[] arguments, Dictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo(_path, arguments) { UseShellExecute = false };
        start.Environment.Clear();
        foreach (var (name, value) in environment) start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            // Ctrl-C goes to both; what it does is for the other one to say.
            await process.WaitForExitAsync(CancellationToken.None);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new CommandException(NotFound, $"{PlainText.Of(_name)} cannot be run: {missing.Message.TrimEnd('.')}.", "Check its name and PATH.", missing);
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

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Execve(string path, string?[] arguments, string?[] environment);

    [LibraryImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Signal(int number, nint handler);
}
