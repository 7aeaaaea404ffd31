using System.ComponentModel;
using System.Diagnostics;

namespace ProofKey.Tests.Keyrings;

/// <summary>
/// What a desktop session has: a message bus (<c>dbus-run-session</c>), and gnome-keyring on it, both with folders of their own. The keyring is opened
/// with a password, which makes it the first time; another password leaves it locked.
/// </summary>
internal sealed class Keyring : IAsyncDisposable
{
    public const string Password = "open sesame";

    // Nothing is started by the bus itself: what was killed stays dead, and no window is asked for.
    private const string BusConfiguration = """
        <busconfig>
          <type>session</type>
          <listen>unix:tmpdir=/tmp</listen>
          <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
        </busconfig>
        """;

    private const string OwnerOfSecrets =
        "dbus-send --session --dest=org.freedesktop.DBus --print-reply=literal /org/freedesktop/DBus org.freedesktop.DBus.GetConnectionUnixProcessID string:org.freedesktop.secrets";

    private const string UntilOwned = $"n=0; until {OwnerOfSecrets} 2>/dev/null || [ $n -ge 300 ]; do n=$((n + 1)); sleep 0.1; done; echo";

    private readonly Process _session;
    private readonly string _folder;

    private Keyring(Process session, string folder, string address, int? daemon) => (_session, _folder, Address, Daemon) = (session, folder, address, daemon);

    /// <summary>Where the bus is: the value of <c>DBUS_SESSION_BUS_ADDRESS</c>.</summary>
    public string Address { get; }

    /// <summary>The process of the keyring; none where there is only a bus.</summary>
    public int? Daemon { get; private set; }

    /// <summary>Starts both.</summary>
    /// <param name="folder">Where the keyring is kept.</param>
    /// <param name="password">What opens it.</param>
    public static Task<Keyring> StartAsync(string folder, string password = Password) =>
        StartAsync(folder, $"{Opened(password)}; echo $DBUS_SESSION_BUS_ADDRESS; {UntilOwned}; cat", hasKeyring: true);

    /// <summary>Starts a bus that nobody keeps secrets on.</summary>
    public static Task<Keyring> StartWithoutAsync(string folder) => StartAsync(folder, "echo $DBUS_SESSION_BUS_ADDRESS; cat", hasKeyring: false);

    /// <summary>Locks the keyring, as a desktop does with its screen.</summary>
    public Task LockAsync() => CallAsync("Lock", "array:objpath:/org/freedesktop/secrets/collection/login");

    /// <summary>Makes the collection that lasts as long as the desktop session the one where new secrets go.</summary>
    public Task ChooseAnotherAsync() => CallAsync("SetAlias", "string:default", "objpath:/org/freedesktop/secrets/collection/session");

    /// <summary>Ends the keyring and starts another one on the same bus.</summary>
    public async Task RestartAsync(string password = Password)
    {
        Signal("KILL");
        using var starting = Started(InSession("sh", "-c", $"while {OwnerOfSecrets} >/dev/null 2>&1; do sleep 0.1; done; {Opened(password)}; {UntilOwned}"));
        Daemon = DaemonIn(await starting.StandardOutput.ReadLineAsync());
        await starting.WaitForExitAsync();
    }

    /// <summary>Sends the keyring a signal.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{Daemon}"]);
        kill.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        if (Daemon is not null) Signal("KILL");
        // The shell reads on until then, and takes the bus with it.
        _session.StandardInput.Close();
        await _session.WaitForExitAsync();
        _session.Dispose();
    }

    private static async Task<Keyring> StartAsync(string folder, string script, bool hasKeyring)
    {
        var configuration = Path.Combine(Directory.CreateDirectory(folder).FullName, "bus.conf");
        await File.WriteAllTextAsync(configuration, BusConfiguration);
        var session = Started(In(folder, "dbus-run-session", $"--config-file={configuration}", "--", "sh", "-c", $"chmod 700 \"$XDG_RUNTIME_DIR\"; {script}"));
        var address = await session.StandardOutput.ReadLineAsync() ?? throw Missing("dbus-run-session", null);
        return new Keyring(session, folder, address, hasKeyring ? DaemonIn(await session.StandardOutput.ReadLineAsync()) : null);
    }

    private static string Opened(string password) => $"printf '%s\\n' '{password}' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1";

    // "   uint32 1234"
    private static int DaemonIn(string? owner) =>
        owner?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var id] && int.TryParse(id, out var daemon) ? daemon : throw Missing("gnome-keyring-daemon", null);

    private async Task CallAsync(string method, params string[] arguments)
    {
        using var call = Started(InSession("dbus-send", ["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets", $"org.freedesktop.Secret.Service.{method}", .. arguments]));
        var said = await call.StandardOutput.ReadToEndAsync();
        await call.WaitForExitAsync();
        if (call.ExitCode != 0) throw new InvalidOperationException($"The keyring did not do {method}: {said}");
    }

    private ProcessStartInfo InSession(string program, params string[] arguments)
    {
        var start = In(_folder, program, arguments);
        start.Environment["DBUS_SESSION_BUS_ADDRESS"] = Address;
        return start;
    }

    private static ProcessStartInfo In(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["HOME"] = folder;
        start.Environment["XDG_DATA_HOME"] = Path.Combine(folder, "share");
        start.Environment["XDG_RUNTIME_DIR"] = Directory.CreateDirectory(Path.Combine(folder, "run")).FullName;
        start.Environment.Remove("DISPLAY");
        return start;
    }

    private static Process Started(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception absent)
        {
            throw Missing(start.FileName, absent);
        }
    }

    private static InvalidOperationException Missing(string program, Exception? inner) =>
        new($"{program} is needed here: apt-get install dbus gnome-keyring libsecret-1-0", inner);
}
