using System.Net;
using System.Net.Sockets;
using ProofKey.Cli.Sessions;
using ProofKey.Client;
using ProofKey.Client.Loopback;

namespace ProofKey.Cli.Doctor;

/// <summary>Looks at what a sign-in on this machine needs: a browser, a listener, a place for the session. Nobody is signed in, and no browser is opened.</summary>
/// <param name="facts">What the machine has.</param>
internal sealed class MachineCheckup(MachineFacts facts)
{
    // In the platform's order. What is for plain http counts for no issuer: those are https, or this machine itself.
    private static readonly string[] ProxyVariables = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

    private readonly Surroundings _surroundings = Surroundings.Of(facts);

    /// <summary>Looks at the machine; at the ports of a profile too.</summary>
    public List<Finding> Run(Profile? profile)
    {
        List<Finding> found = [Road(), Browser(), Loopback()];
        if (OperatingSystem.IsLinux()) found.Insert(1, Display());
        found.AddRange((profile?.Ports ?? []).Select(Port));
        found.Add(Proxy());
        return found;
    }

    /// <summary>Tries to keep something as a session is kept.</summary>
    public static async Task<Finding> StoreAsync(ChosenStore chosen, Profiles profiles, string name, CancellationToken cancellation)
    {
        if (chosen.Kind == "memory") return Finding.Fine("store", "In memory: a session ends with its command.");
        // Asked once: a session that ends meanwhile must not make its folder one that is deleted here.
        var hasSession = profiles.HasSession(name);
        var folder = profiles.FolderOf(name);
        try
        {
            if (!hasSession) folder = MakeBeside(folder);
            if (chosen.OpenSilently(folder) is not { } store) return Finding.Fine("store", "An encrypted file, whose passphrase is asked for.");
            if (hasSession) await store.ListAsync(cancellation);
            else await store.ProbeAsync(name, cancellation);
            return Finding.Fine("store", chosen.Kind == ChosenStore.Keychain ? "The keychain is open, and has the key of sessions." : "The key of the session's file is there.");
        }
        catch (TokenStoreException problem)
        {
            return Finding.Broken("store", $"Expected {problem.Expected}, but {problem.Actual}.", problem.Remedy);
        }
        catch (CommandException problem)
        {
            return Finding.Broken("store", problem.Problem, problem.Remedy);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            return Finding.Broken("store", $"Nothing can be kept in {folder}: {denied.Message}", "Mend its owner and mode, free some space, or set PROOFKEY_SESSIONS to another folder.");
        }
        finally
        {
            if (!hasSession && folder != profiles.FolderOf(name)) Directory.Delete(folder, recursive: true);
        }
    }

    // A new folder, in the nearest one that is there already: what a sign-in would make is made there too.
    private static string MakeBeside(string folder)
    {
        var parent = Path.GetDirectoryName(folder)!;
        while (!Path.Exists(parent) && Path.GetDirectoryName(parent) is { } above) parent = above;
        var made = Path.Combine(parent, $".proofkey-doctor-{Environment.ProcessId}");
        if (OperatingSystem.IsWindows()) return Directory.CreateDirectory(made).FullName;
        return Directory.CreateDirectory(made, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
    }

    private Finding Road() => Finding.Fine("sign-in", _surroundings.Road == SignInRoad.Browser ? $"login opens a browser, since {_surroundings.Reason}." : $"login prints an address for a browser elsewhere, since {_surroundings.Reason}.");

    private Finding Display() => Finding.Fine("display", Set("WAYLAND_DISPLAY") is { } wayland ? $"WAYLAND_DISPLAY is {wayland}." : Set("DISPLAY") is { } display ? $"DISPLAY is {display}." : "Neither DISPLAY nor WAYLAND_DISPLAY is set.");

    private Finding Browser()
    {
        if (_surroundings.Road != SignInRoad.Browser) return Finding.Fine("browser", "None is opened here, unless with --browser.");
        var tried = BrowserLadder.Commands(facts, "").Select(command => command.Program).ToList();
        return tried.Find(CanBeRun) is { } program
            ? Finding.Fine("browser", $"{program} opens it.")
            : Finding.Broken("browser", $"There is no program to open one: {string.Join(", ", tried)} cannot be run from here.", "Install xdg-utils and a browser, set BROWSER to the command of one, or say --no-browser.");
    }

    private bool CanBeRun(string program) => ProgramPath.Find(facts, program) is { } path && facts.Exists(path)
        && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);

    private static Finding Loopback() => TryListen(IPAddress.Loopback, 0) is { } problem
        ? Finding.Broken("loopback", $"Nobody can listen on 127.0.0.1 here ({problem}).", "Bring up the loopback interface; until then sign in with --device.")
        : Finding.Fine("loopback", TryListen(IPAddress.IPv6Loopback, 0) is null ? "127.0.0.1 and ::1 can be listened on." : "127.0.0.1 can be listened on; there is no ::1, and none is needed.");

    private Finding Port(int port) => PortAfter(port, TryListen(IPAddress.Loopback, port));

    /// <summary>What a port is after somebody tried to listen on it.</summary>
    internal Finding PortAfter(int port, SocketError? refusal) => refusal switch
    {
        null => Finding.Fine("port", $"{port} is free."),
        // Windows keeps ranges for itself, and then says so.
        SocketError.AccessDenied => Finding.Broken("port", $"{port} may not be listened on.", facts.System == SystemKind.Windows ? "See the ranges that are kept: netsh int ipv4 show excludedportrange protocol=tcp" : "Ports below 1024 are for root: register another, and give it with --port."),
        _ => Finding.Broken("port", $"{port} is taken by another program.", $"Find it with: ss -ltnp 'sport = :{port}'; end it, or register a second port and give both with --port."),
    };

    private static SocketError? TryListen(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return null;
        }
        catch (SocketException taken)
        {
            return taken.SocketErrorCode;
        }
    }

    private Finding Proxy()
    {
        var name = ProxyVariables.FirstOrDefault(name => Set(name) is not null);
        if (name is null) return Finding.Fine("proxy", OperatingSystem.IsLinux() ? "None is set." : "No variable sets one; the system's own settings count.");
        var shown = Uri.TryCreate(Set(name)!.Contains("://", StringComparison.Ordinal) ? Set(name) : $"http://{Set(name)}", UriKind.Absolute, out var address) ? address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) : null;
        var except = Set("no_proxy") ?? Set("NO_PROXY");
        return shown is null ? Finding.Broken("proxy", $"{name} is not an address.", $"Set it such as {name}=http://proxy.example.com:3128, or unset it.")
            : Finding.Fine("proxy", $"{name} leads through {shown}{(except is null ? "" : $", except {except}")}; this machine itself is reached without.");
    }

    private string? Set(string name) => facts.Variable(name) is { Length: > 0 } value ? value : null;
}
