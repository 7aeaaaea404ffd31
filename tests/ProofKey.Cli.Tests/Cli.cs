using System.Diagnostics;

namespace ProofKey.Cli.Tests;

/// <summary>What one run of the program came to.</summary>
public sealed record Outcome(int ExitCode, string Output, string Errors)
{
    /// <summary>Everything that was said, for a failing test.</summary>
    public override string ToString() => $"exit code {ExitCode}\nstdout:\n{Output}\nstderr:\n{Errors}";
}

/// <summary>The real <c>proofkey</c>, as the build made it, with a home of its own and no settings of the machine's.</summary>
public sealed class Cli : IDisposable
{
    public static readonly string Folder = AppContext.BaseDirectory;

    private static readonly string[] Variables =
        ["NO_COLOR", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "VSCODE_IPC_HOOK_CLI", "CODESPACES", "TERM_PROGRAM", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"];

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("proofkey-cli-");

    public Cli()
    {
        Environment["HOME"] = _home.FullName;
        Environment["XDG_DATA_HOME"] = Path.Combine(_home.FullName, "share");
        Environment["XDG_STATE_HOME"] = Path.Combine(_home.FullName, "state");
        // Most machines that run tests have no keychain that is open.
        Environment["PROOFKEY_STORE"] = "file";
        Environment["PROOFKEY_KEY_FILE"] = WriteKey("session.key");
    }

    /// <summary>Where the program is; a copy of it in some tests.</summary>
    public string Program { get; init; } = Path.Combine(Folder, OperatingSystem.IsWindows() ? "proofkey.exe" : "proofkey");

    /// <summary>Variables on top of the test's own; <see langword="null"/> takes one away.</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    /// <summary>A server's data folder.</summary>
    public string Data => Path.Combine(_home.FullName, "data");

    /// <summary>The default profile's session file.</summary>
    public string SessionFile => SessionFileOf("default");

    /// <summary>A profile's session file.</summary>
    public string SessionFileOf(string profile) => StoreOf(profile).PathOf(profile);

    /// <summary>Where a profile's session is kept unless a test says otherwise.</summary>
    internal TokenStore StoreOf(string profile) =>
        TokenStore.EncryptedFile(Path.Combine(_home.FullName, "state", "proofkey", "sessions", profile), VaultKey.OfFile(PathOf("session.key")));

    /// <summary>What is in a profile's session file.</summary>
    internal async Task<StoredSession> SessionOfAsync(string profile = "default")
    {
        using var vault = new SessionVault(StoreOf(profile), profile);
        return (await vault.ReadAsync(TestContext.Current.CancellationToken)).ShouldNotBeNull();
    }

    /// <summary>Writes a session into a profile's file.</summary>
    internal async Task ChangeAsync(string profile, Func<StoredSession, StoredSession> change)
    {
        using var vault = new SessionVault(StoreOf(profile), profile);
        await vault.SaveAsync(change((await vault.ReadAsync(TestContext.Current.CancellationToken))!), TestContext.Current.CancellationToken);
    }

    /// <summary>Writes a key for sessions into the home folder.</summary>
    public string WriteKey(string name)
    {
        File.WriteAllBytes(PathOf(name), Secret.NewBytes(32));
        File.SetUnixFileMode(PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return PathOf(name);
    }

    /// <summary>A path in the home folder.</summary>
    public string PathOf(string name) => Path.Combine(_home.FullName, name);

    /// <summary>Writes a file in the home folder.</summary>
    public string Write(string name, string content)
    {
        File.WriteAllText(PathOf(name), content);
        return PathOf(name);
    }

    /// <summary>Runs a command to its end.</summary>
    public Task<Outcome> RunAsync(params string[] arguments) => RunWithAsync("", arguments);

    /// <summary>Runs a command with something on stdin.</summary>
    public async Task<Outcome> RunWithAsync(string input, params string[] arguments)
    {
        if (arguments.Contains("--password-stdin")) SuiteWitness.OfThisSuite.Secret("password", input.TrimEnd('\n'));
        await using var running = Start(arguments);
        await running.WriteAsync(input);
        return await running.EndAsync();
    }

    /// <summary>Runs a command that must succeed, and gives its output without the line end.</summary>
    public async Task<string> OutputOfAsync(params string[] arguments)
    {
        var outcome = await RunAsync(arguments);
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        return outcome.Output.TrimEnd('\n');
    }

    public RunningCli Start(params string[] arguments) => StartAs([Program, .. arguments]);

    /// <summary>Starts a command on a terminal of its own; <c>exec</c>, or a shell that also gets the Control-C ends with 130 in the command's place.</summary>
    public RunningCli StartOnTerminal(string arguments) => StartAs("script", "-qfec", $"exec {Program} {arguments}", "/dev/stderr");

    /// <summary>The same on a terminal of so many columns.</summary>
    public RunningCli StartOnTerminal(string arguments, int columns) => StartAs("script", "-qfec", $"stty columns {columns}; exec {Program} {arguments}", "/dev/stderr");

    /// <summary>Starts a command by another one, such as a shell.</summary>
    public RunningCli StartAs(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _home.FullName };
        foreach (var name in start.Environment.Keys.Where(name => Variables.Contains(name) || name.StartsWith("PROOFKEY_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        return new RunningCli(Process.Start(start)!, string.Join(' ', command[1..]), NoteSecretsAsync);
    }

    public void Dispose() => _home.Delete(recursive: true);

    // What no output may hold: the tokens of each session that can be read here, and the keys.
    private async Task NoteSecretsAsync()
    {
        var (witness, rootKey) = (SuiteWitness.OfThisSuite, Path.Combine(Data, "root.key"));
        if (File.Exists(rootKey)) witness.Key("root key", await File.ReadAllBytesAsync(rootKey));
        await witness.ReadAsync(PathOf("state/proofkey/sessions"), PathOf("session.key"));
    }
}
