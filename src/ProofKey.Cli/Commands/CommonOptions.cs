using System.CommandLine;
using ProofKey.Cli.Configuration;

namespace ProofKey.Cli.Commands;

/// <summary>Options that several verbs have.</summary>
internal static class CommonOptions
{
    public static readonly Option<string> Config = new("--config") { HelpName = "FILE", Recursive = true, Description = "Take options from a JSON file. Command line and environment go before it." };

    public static readonly Option<string> Data = new("--data") { HelpName = "DIR", Description = "The folder with the server's database and root key. Without it: proofkey below XDG_DATA_HOME, or below ~/.local/share." };

    public static readonly Option<string> Database = new("--database")
    {
        HelpName = "CONNECTION",
        Description = "Use a PostgreSQL database, such as \"Host=db;Username=proofkey;Database=proofkey\"; several hosts with commas between them.",
    };

    public static readonly Option<string> RootKeyFile = new("--root-key-file") { HelpName = "FILE", Description = "The root key, which --database needs; or set PROOFKEY_ROOT_KEY to the key itself." };

    /// <summary>Where the server's rows and root key are.</summary>
    public static readonly Option[] Place = [Data, Database, RootKeyFile];

    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON." };

    public static readonly Option<bool> NoInput = new("--no-input") { Description = "Ask nobody and open nothing: where a person is needed, end with exit code 4, and where a passphrase is, with 8. A keyring that is locked may show its own window all the same." };

    public static readonly Option<string> MinValid = new("--min-valid") { HelpName = "TIME", Description = "How long the token is to last at least, such as 5m; if there is none that lasts so long, that is said. Without it: 60s." };

    public static readonly Option<string> Resource = new("--resource") { HelpName = "URL", Description = "Of the APIs that the profile is for, the one that the token is for. Without it: the first." };

    public static readonly Option<string> Profile = new("--profile", "-p") { HelpName = "PROFILE", Description = "Which sign-in is meant. Without it: the one of proofkey switch, at first default." };

    public static readonly Option<string> Store = new("--store") { HelpName = "keychain|file|memory", Description = "How the session is kept: with a key in the system's keychain, in a file with a key of your own, or not at all. Without it: as before, at first keychain." };

    public static readonly Option<string> KeyFile = new("--key-file") { HelpName = "FILE", Description = "The key of the session's file: 32 random bytes in a file for its owner alone." };

    public static readonly Option<string> PassphraseFile = new("--passphrase-file") { HelpName = "FILE", Description = "The passphrase of the session's file: the first line of a file; or set PROOFKEY_PASSPHRASE." };

    /// <summary>How a session is kept.</summary>
    public static readonly Option[] Keeping = [Store, KeyFile, PassphraseFile];

    /// <summary>The keys that a configuration file may have: one for each option that some verb takes from there, and those settings that have no option.</summary>
    public static HashSet<string> KeysOf(Command root)
    {
        var keys = new HashSet<string>(OptionsOf(root).Where(option => option.Name is not ("--help" or "--version" or "--config")).Select(option => Settings.KeyOf(option.Name))) { "sessions" };
        return keys;
    }

    private static IEnumerable<Option> OptionsOf(Command command) => command.Options.Except((command as Verb)?.TypedAlone ?? []).Concat(command.Subcommands.SelectMany(OptionsOf));
}
