using System.Diagnostics;

namespace EndToEnd;

/// <summary>The real <c>proofkey</c>, as the build made it, with a home folder of its own.</summary>
public sealed class ProofKeyProgram : IDisposable
{
    private static readonly string Path = System.IO.Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "proofkey.exe" : "proofkey");

    // A token by its own command, and the secret of a client by the one that makes it: that is what they are asked for.
    private static readonly string[] Askings = ["token", "--confidential", "--new-secret"];

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("proofkey-e2e-");
    private readonly Dictionary<string, string> _environment;

    public ProofKeyProgram()
    {
        File.WriteAllBytes(KeyFile, System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _environment = new()
        {
            // Most machines that run tests have no keychain that is open.
            ["PROOFKEY_STORE"] = "file",
            ["PROOFKEY_KEY_FILE"] = KeyFile,
            ["HOME"] = _home.FullName,
            ["USERPROFILE"] = _home.FullName,
            ["XDG_DATA_HOME"] = System.IO.Path.Combine(_home.FullName, "share"),
            ["XDG_STATE_HOME"] = System.IO.Path.Combine(_home.FullName, "state"),
            ["XDG_CONFIG_HOME"] = System.IO.Path.Combine(_home.FullName, "config"),
            ["XDG_CACHE_HOME"] = System.IO.Path.Combine(_home.FullName, "cache"),
        };
    }

    /// <summary>The key of its sessions.</summary>
    public string KeyFile => System.IO.Path.Combine(_home.FullName, "session.key");

    /// <summary>Where its sessions are.</summary>
    public string Sessions => System.IO.Path.Combine(_home.FullName, "state", "proofkey", "sessions");

    /// <summary>A folder for whatever the test needs; it goes with this object.</summary>
    public string Folder(string name) => _home.CreateSubdirectory(name).FullName;

    public ChildProcess Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    /// <summary>A command that somebody else starts.</summary>
    public ProcessStartInfo Command(params string[] arguments)
    {
        var command = new ProcessStartInfo(Path, arguments);
        foreach (var (name, value) in _environment) command.Environment[name] = value;
        return command;
    }

    /// <summary>Starts a command with these variables on top of its home.</summary>
    public ChildProcess Start(IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        ChildProcess.Start(Path, arguments, _environment.Concat(environment).ToDictionary(), new Voice(arguments[0], arguments.Any(Askings.Contains)));

    /// <summary>Runs a command to its end, whatever the end is.</summary>
    public async Task<ChildProcess.Result> RunAsync(string[] arguments, CancellationToken cancellation, string? input = null)
    {
        await using var running = Start(arguments);
        if (input is not null)
            await running.WriteLineAsync(input);
        var result = await running.ExitAsync(cancellation);
        if (arguments.Contains("--password-stdin")) SuiteWitness.OfThisSuite.Secret("password", input ?? "");
        SuiteWitness.OfThisSuite.Heard(result.Output);
        await NoteSecretsAsync();
        return result;
    }

    /// <summary>Runs a command that must succeed, and returns its output.</summary>
    public async Task<string> OutputOfAsync(string[] arguments, CancellationToken cancellation, string? input = null)
    {
        var result = await RunAsync(arguments, cancellation, input);
        result.ExitCode.ShouldBe(0, $"proofkey {string.Join(' ', arguments)}: {result.Errors}{result.Output}");
        return result.Output.Trim();
    }

    /// <summary>Signs out in the browser too, where one can be opened.</summary>
    /// <returns>The address that the browser was given.</returns>
    public async Task<Uri> LogoutInBrowserAsync(CancellationToken cancellation)
    {
        using var browser = new BrowserStandIn();
        // Visual Studio Code opens a browser also from where there is none, such as a container.
        await using var logout = Start(new Dictionary<string, string> { ["BROWSER"] = browser.Command, ["VSCODE_IPC_HOOK_CLI"] = "there" }, "logout", "--browser");
        var opened = await browser.OpenedAsync(cancellation);
        var result = await logout.ExitAsync(cancellation);
        result.ExitCode.ShouldBe(0, result.Errors);
        result.Errors.ShouldContain($"\n{opened.AbsoluteUri}\n");
        return opened;
    }

    public void Dispose() => _home.Delete(recursive: true);

    // What travels over no wire: the keys, and what they lock up.
    private async Task NoteSecretsAsync()
    {
        foreach (var rootKey in _home.EnumerateFiles("root.key", SearchOption.AllDirectories)) SuiteWitness.OfThisSuite.Key("root key", await File.ReadAllBytesAsync(rootKey.FullName));
        await SuiteWitness.OfThisSuite.ReadAsync(System.IO.Path.Combine(_home.FullName, "state", "proofkey", "sessions"), KeyFile);
    }
}
