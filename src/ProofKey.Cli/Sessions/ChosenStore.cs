using ProofKey.Cli.Commands;
using ProofKey.Cli.Configuration;
using ProofKey.Cli.Output;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>Where the session of a profile is kept: as was said, else as the profile remembers, else in the care of the keychain.</summary>
/// <param name="Kind"><c>keychain</c>, <c>file</c> or <c>memory</c>.</param>
/// <param name="KeyFile">The file with the key, if that is it.</param>
/// <param name="PassphraseFile">The file with the passphrase, if that is it.</param>
internal sealed record ChosenStore(string Kind, string? KeyFile, string? PassphraseFile)
{
    /// <summary>The kind whose key is in the keychain.</summary>
    public const string Keychain = "keychain";

    private const string Application = "proofkey";

    // It has no option: what is typed stands in the list of processes.
    private const string PassphraseVariable = "PROOFKEY_PASSPHRASE";

    private const string LongerOne = "Take a longer one, such as five words.";

    private static readonly string TooShort = $"The passphrase is too short: it has at least {PassphraseKey.MinLength} characters.";

    private static readonly string[] Kinds = [Keychain, "file", "memory"];

    // The options that give it a key, by the names that the person who reads about them can type.
    private string KeyFileOption { get; init; } = CommonOptions.KeyFile.Name;

    private string PassphraseFileOption { get; init; } = CommonOptions.PassphraseFile.Name;

    /// <summary>What was said on the command line, by variables and in the configuration file, and what the profile remembers.</summary>
    /// <param name="settings">What was said.</param>
    /// <param name="known">What is remembered.</param>
    /// <param name="kind">How it is kept, whatever was said.</param>
    public static ChosenStore Of(Settings settings, Profile? known, string? kind = null)
    {
        // What is typed goes before what is set: a variable may be there for another profile.
        var typed = settings.OfCommandLine;
        var from = typed.Text(CommonOptions.KeyFile) is null && typed.Text(CommonOptions.PassphraseFile) is null ? settings : typed;
        // A key that is typed says how, whatever the profile remembers: a session must not be kept in another way without a word.
        if (!ReferenceEquals(from, settings))
        {
            if (typed.Text(CommonOptions.Store) is { } other and not "file")
                throw CommandException.Usage($"A key is for a file, and --store is {PlainText.Of(other)}.", "Leave out --key-file and --passphrase-file, or say --store file.");
            kind ??= "file";
        }
        var (keyFile, passphraseFile) = (from.Text(CommonOptions.KeyFile), from.Text(CommonOptions.PassphraseFile));
        if (keyFile is not null && passphraseFile is not null)
            throw CommandException.Usage("A file has one key, and --key-file and --passphrase-file are two.", "Leave out one of them.");
        var isSaid = keyFile is not null || passphraseFile is not null;
        kind ??= settings.Text(CommonOptions.Store) ?? known?.Store ?? (isSaid ? "file" : Keychain);
        if (kind != "file") return Checked("--store", kind, Kinds, null, null);
        return isSaid ? Checked("--store", kind, Kinds, keyFile, passphraseFile) : Checked("--store", kind, Kinds, known?.KeyFile, known?.PassphraseFile);
    }

    /// <summary>The store that holds the session of a profile now, as its file says itself; what was said about stores counts only where there is no file.</summary>
    /// <exception cref="TokenStoreException">There is a file, and it cannot be read.</exception>
    public static ChosenStore Holding(Settings settings, Profile profile, string folder) =>
        Of(settings, profile, BackendOf(profile.Name, folder) switch { null => null, Keychain => Keychain, _ => "file" });

    /// <summary>What holds the key of a profile's file, as the file says itself.</summary>
    /// <exception cref="TokenStoreException">There is a file, and it cannot be read.</exception>
    public static string? BackendOf(string profile, string folder) => TokenStore.Keychain(Application, folder).BackendOf(profile);

    /// <summary>The store that a session is moved to, which is named by options of its own.</summary>
    public static ChosenStore Target(string kind, string? keyFile, string? passphraseFile) =>
        Checked("--to", kind, Kinds[..2], keyFile, passphraseFile) with { KeyFileOption = "--to-key-file", PassphraseFileOption = "--to-passphrase-file" };

    private static ChosenStore Checked(string option, string kind, string[] kinds, string? keyFile, string? passphraseFile) => kinds.Contains(kind)
        ? new ChosenStore(kind, Full(keyFile), Full(passphraseFile))
        : throw CommandException.Usage($"{option} is not {PlainText.Of(kind)}.", $"Choose {string.Join(" or ", kinds)}.");

    /// <summary>The store itself; a passphrase that is nowhere else is asked for where there is a terminal.</summary>
    /// <param name="folder">The folder of the profile.</param>
    /// <param name="terminal">Where to ask.</param>
    /// <param name="isNew">Whether the passphrase is made up now, and therefore asked for twice.</param>
    /// <param name="mayAsk">Whether anybody may be asked.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<TokenStore> OpenAsync(string folder, Terminal terminal, bool isNew, bool mayAsk, CancellationToken cancellation) => Kind switch
    {
        "memory" => TokenStore.InMemory,
        Keychain => TokenStore.Keychain(Application, folder),
        _ => TokenStore.EncryptedFile(folder, KeyFile is null ? OfPassphrase(await PassphraseAsync(terminal, isNew, mayAsk, cancellation)) : VaultKey.OfFile(KeyFile)),
    };

    /// <summary>The store, unless a person would have to be asked for a passphrase.</summary>
    public TokenStore? OpenSilently(string folder) => Kind switch
    {
        "memory" => TokenStore.InMemory,
        Keychain => TokenStore.Keychain(Application, folder),
        _ when KeyFile is not null => TokenStore.EncryptedFile(folder, VaultKey.OfFile(KeyFile)),
        _ => Said is { } passphrase ? TokenStore.EncryptedFile(folder, OfPassphrase(passphrase)) : null,
    };

    private string? Said => PassphraseFile is not null ? Read(PassphraseFile) : Environment.GetEnvironmentVariable(PassphraseVariable) is { Length: > 0 } set ? set : null;

    private async Task<string> PassphraseAsync(Terminal terminal, bool isNew, bool mayAsk, CancellationToken cancellation)
    {
        if (Said is { } said) return said;
        if (mayAsk && terminal.CanAsk)
            return isNew ? await PasswordPrompt.AskTwiceAsync(terminal, $"New passphrase of the session, at least {PassphraseKey.MinLength} characters: ", ProblemOf, cancellation)
                : await PasswordPrompt.AskAsync(terminal, "Passphrase of the session: ", cancellation);
        // The command may be right, and the file is locked; only a new one lacks something.
        throw isNew
            ? CommandException.Usage("An encrypted file needs a key.", $"Give {KeyFileOption} FILE or {PassphraseFileOption} FILE, or set {PassphraseVariable}. A key is made with: (umask 077; head -c 32 /dev/urandom > FILE)")
            : new CommandException(ExitCodes.TokenStore, "The session's file needs a key, and there is nobody to ask for its passphrase.", $"Give {PassphraseFileOption} FILE or {KeyFileOption} FILE, or set {PassphraseVariable}.");
    }

    private static VaultKey OfPassphrase(string passphrase)
    {
        try
        {
            return VaultKey.OfPassphrase(passphrase);
        }
        catch (ArgumentException weak)
        {
            throw new CommandException(ExitCodes.WrongUsage, TooShort, LongerOne, weak);
        }
    }

    // Before it is typed a second time, and as often as it takes.
    private static string? ProblemOf(string passphrase) => passphrase.Length < PassphraseKey.MinLength ? $"{TooShort} {LongerOne}" : null;

    private static string Read(string path)
    {
        try
        {
            var mode = OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(path);
            if ((mode & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0) throw new CommandException(ExitCodes.TokenStore, $"Others can read the passphrase in {path}.", $"Take that from them with: chmod 600 {CommandText.Argument(path)}");
            return File.ReadLines(path).FirstOrDefault() ?? "";
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCodes.TokenStore, $"The passphrase file {path} cannot be read: {denied.Message.TrimEnd('.')}.", "Check its path, owner and mode.", denied);
        }
    }

    private static string? Full(string? path) => path is null ? null : Path.GetFullPath(path);
}
