namespace ProofKey.Client;

/// <summary>
/// Where this program runs, as far as it matters for a sign-in, and the road that fits. A guess of the machine and no more: whoever knows
/// better takes another road.
/// </summary>
public sealed record Surroundings
{
    private const string WslInterop = "/proc/sys/fs/binfmt_misc/WSLInterop";

    private static readonly string[] ContainerVariables = ["container", "REMOTE_CONTAINERS", "KUBERNETES_SERVICE_HOST"];
    private static readonly string[] ContainerFiles = ["/.dockerenv", "/run/.containerenv"];
    private static readonly string[] ContainerWords = ["docker", "kubepods", "containerd", "lxc"];
    private static readonly string[] SshVariables = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];

    private Surroundings(SignInRoad road, string reason)
    {
        Road = road;
        Reason = reason;
    }

    /// <summary>Those of this process.</summary>
    public static Surroundings OfThisProcess { get; } = Of(MachineFacts.OfThisMachine);

    /// <summary><see cref="SignInRoad.Browser"/> or <see cref="SignInRoad.Paste"/>; never a device code, which a person must ask for.</summary>
    public SignInRoad Road { get; }

    /// <summary>Why, as the rest of a sentence after "since".</summary>
    public string Reason { get; }

    // Whether a browser that opens by itself is one that the person sees. BROWSER is the one way to say so to a program that shows no address.
    internal bool HasBrowser { get; private init; }

    /// <summary>Whether somebody works here over SSH.</summary>
    public bool IsSsh { get; private init; }

    /// <summary>Whether this is a container, or a codespace.</summary>
    public bool IsContainer { get; private init; }

    /// <summary>Whether this is the Linux inside of Windows.</summary>
    public bool IsWsl { get; private init; }

    /// <summary>Whether Visual Studio Code works here from another machine, and opens browsers there.</summary>
    public bool IsVsCodeRemote { get; private init; }

    /// <summary>This machine as the other end of the SSH connection knows it; <see langword="null"/> without one.</summary>
    public string? SshHost { get; private init; }

    internal static Surroundings Of(MachineFacts facts)
    {
        var (road, reason) = RoadOf(facts);
        return new Surroundings(road, reason)
        {
            HasBrowser = road == SignInRoad.Browser || facts.Has("BROWSER"),
            IsSsh = IsSshSession(facts),
            IsContainer = IsInContainer(facts) || facts.Has("CODESPACES"),
            IsWsl = IsInWsl(facts),
            IsVsCodeRemote = HasVsCode(facts),
            // SSH_CONNECTION: the client's address and port, then ours
            SshHost = facts.Variable("SSH_CONNECTION")?.Split(' ') is [_, _, var host, _] ? host : null,
        };
    }

    /// <summary>Whether Windows programs can be started from inside WSL.</summary>
    internal static bool HasWindowsPrograms(MachineFacts facts) => IsInWsl(facts) && (facts.Has("WSL_INTEROP") || facts.Exists(WslInterop));

    // sudo takes the variables away; the kernel still has its name.
    internal static bool IsInWsl(MachineFacts facts) => facts.System == SystemKind.Linux
        && (facts.Has("WSL_DISTRO_NAME") || facts.Has("WSL_INTEROP") || facts.Read("/proc/version").Contains("microsoft", StringComparison.OrdinalIgnoreCase));

    internal static bool HasDisplay(MachineFacts facts) => facts.Has("DISPLAY") || facts.Has("WAYLAND_DISPLAY");

    // The first that fits: what is farther away hides what is nearer.
    private static (SignInRoad Road, string Reason) RoadOf(MachineFacts facts) => facts switch
    {
        _ when facts.Has("CODESPACES") => (SignInRoad.Paste, "this is a codespace"),
        _ when HasVsCode(facts) => (SignInRoad.Browser, "Visual Studio Code opens the browser on your machine and forwards the port"),
        _ when IsSshSession(facts) => (SignInRoad.Paste, "this is an SSH session"),
        _ when IsInContainer(facts) => (SignInRoad.Paste, "this is a container"),
        _ when facts.Has("SUDO_USER") && facts.Variable("USER") is "root" => (SignInRoad.Paste, "this runs as root by sudo, which cannot reach your browser"),
        { System: SystemKind.Windows, HasScreen: false } => (SignInRoad.Paste, "nobody is at the screen of this session"),
        _ when Loopback.BrowserLadder.Commands(facts, "").Any() => (SignInRoad.Browser, "a browser can be opened here"),
        _ when facts.System != SystemKind.Linux || HasDisplay(facts) || HasWindowsPrograms(facts) => (SignInRoad.Paste, "BROWSER says that none is wanted"),
        _ when IsInWsl(facts) => (SignInRoad.Paste, "this WSL cannot start Windows programs"),
        _ => (SignInRoad.Paste, "there is no display here"),
    };

    private static bool IsSshSession(MachineFacts facts) => SshVariables.Any(facts.Has);

    private static bool HasVsCode(MachineFacts facts) => facts.Has("VSCODE_IPC_HOOK_CLI") && facts.Has("BROWSER");

    // A toolbox shares the desktop of the machine, and a flatpak reaches its browser through a portal.
    private static bool IsInContainer(MachineFacts facts) => facts.System == SystemKind.Linux
        && facts.Variable("container") is not "flatpak"
        && !facts.Exists("/run/.toolboxenv")
        && (ContainerVariables.Any(facts.Has) || ContainerFiles.Any(facts.Exists) || ContainerWords.Any(facts.Read("/proc/1/cgroup").Contains));
}
