namespace ProofKey.Cli.Output;

/// <summary>What a terminal can do, by what it says of itself.</summary>
internal static class TerminalKind
{
    private static readonly string[] Programs = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby"];
    private static readonly string[] Types = ["kitty", "alacritty", "foot", "ghostty", "wezterm", "contour"];
    private static readonly string[] Variables = ["WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "DOMTERM"];

    /// <summary>Whether it makes an address with another text a link (OSC 8); others would show the signs.</summary>
    public static bool HasLinks(Func<string, string?> variable) =>
        Programs.Contains(variable("TERM_PROGRAM"))
        || Types.Any(type => variable("TERM")?.Contains(type, StringComparison.Ordinal) == true)
        || Variables.Any(name => variable(name) is { Length: > 0 })
        || (int.TryParse(variable("VTE_VERSION"), out var version) && version >= 5000);
}
