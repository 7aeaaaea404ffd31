namespace ProofKey.Client.Loopback;

/// <summary>A program, by its path or its name, and its arguments, the address among them.</summary>
internal sealed record LaunchCommand(string Program, IReadOnlyList<string> Arguments);

/// <summary>What to try to open an address with, in order: the person's own choice, then what the system has. A decision, and nothing is started.</summary>
internal static class BrowserLadder
{
    private const string WindowsOpener = "url.dll,FileProtocolHandler";

    // They would want the terminal, which is ours.
    private static readonly string[] TextBrowsers = ["lynx", "w3m", "links", "links2", "elinks", "browsh", "www-browser"];

    // It ends the address at the first "&", and runs what follows.
    private static readonly string[] CommandShells = ["cmd", "cmd.exe"];

    // They end well and open nothing: the person's way to say that no browser is wanted, neither theirs nor the system's.
    private static readonly string[] NoBrowser = ["true", "echo", "printf"];

    public static IEnumerable<LaunchCommand> Commands(MachineFacts facts, string address) => Chosen(facts, address).Concat(facts.System switch
    {
        SystemKind.Windows => [new($@"{facts.SystemFolder}\rundll32.exe", [WindowsOpener, address])],
        SystemKind.MacOS => [new("/usr/bin/open", [address])],
        _ => OnLinux(facts, address),
    }).TakeWhile(command => !NoBrowser.Contains(Path.GetFileName(command.Program)));

    // Inside WSL the browser is on the Windows side. explorer.exe would open a folder, cmd.exe would read "&" as its own, and wslview makes PowerShell text of what it gets.
    private static IEnumerable<LaunchCommand> OnLinux(MachineFacts facts, string address)
    {
        if (Surroundings.HasWindowsPrograms(facts))
        {
            yield return new("/mnt/c/Windows/System32/rundll32.exe", [WindowsOpener, address]);
            // The drives may be mounted elsewhere.
            yield return new("rundll32.exe", [WindowsOpener, address]);
        }
        // Without a display xdg-open starts a text browser, which would wait on our terminal for ever.
        if (Surroundings.HasDisplay(facts)) yield return new("xdg-open", [address]);
    }

    private static IEnumerable<LaunchCommand> Chosen(MachineFacts facts, string address) =>
        (facts.Variable("BROWSER") ?? "").Split(facts.System == SystemKind.Windows ? ';' : ':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(choice => Chosen(facts, choice, address))
            .Where(command => !TextBrowsers.Contains(Path.GetFileName(command.Program)) && !CommandShells.Contains(Path.GetFileName(command.Program), StringComparer.OrdinalIgnoreCase));

    // BROWSER is a list of commands; %s in one stands for the address, which else comes last. A file's name may hold spaces.
    private static LaunchCommand Chosen(MachineFacts facts, string choice, string address)
    {
        if (Path.IsPathFullyQualified(choice) && facts.Exists(choice)) return new(choice, [address]);
        var words = choice.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var arguments = words.Skip(1).Select(word => word.Replace("%s", address, StringComparison.Ordinal)).ToList();
        if (!choice.Contains("%s", StringComparison.Ordinal)) arguments.Add(address);
        return new(words[0], arguments);
    }
}
