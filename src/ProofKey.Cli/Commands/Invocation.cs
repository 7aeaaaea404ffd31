using System.CommandLine;
using ProofKey.Cli.Configuration;
using ProofKey.Cli.Hosting;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Commands;

/// <summary>One run of a verb: what was typed and set, where to speak, and when to stop.</summary>
internal sealed record Invocation(ParseResult Parsed, Settings Settings, Terminal Terminal, CancellationToken Cancellation)
{
    // It has no option and no key: a secret stands neither in a list of processes nor in a file of settings.
    private const string RootKeyVariable = "PROOFKEY_ROOT_KEY";

    public static Invocation Of(ParseResult parsed, CancellationToken cancellation)
    {
        var path = new Settings(parsed, ConfigurationFile.None).Text(CommonOptions.Config);
        var file = path is null ? ConfigurationFile.None : ConfigurationFile.Read(path, CommonOptions.KeysOf(parsed.RootCommandResult.Command), Settings.RefusedInFile(parsed));
        return new Invocation(parsed, new Settings(parsed, file), new Terminal(), cancellation);
    }

    /// <summary>The value of an argument that must be there.</summary>
    public string Argument(Argument<string> argument) => Parsed.GetValue(argument) ?? "";

    /// <summary>The profile that is meant.</summary>
    public string ProfileName => Profiles.Checked(Settings.Text(CommonOptions.Profile) ?? Profiles.Of(Settings).Active);

    /// <summary>Whether somebody said where a server's rows are.</summary>
    public bool HasPlace => Settings.Text(CommonOptions.Data) is not null || Settings.Text(CommonOptions.Database) is not null;

    /// <summary>The data folder and the database that are meant, of which a server has one.</summary>
    public (string? Folder, string? Database) Place
    {
        get
        {
            // What is typed goes before what is set: a variable may be there for another server.
            var typed = Settings.OfCommandLine;
            var from = typed.Text(CommonOptions.Data) is null && typed.Text(CommonOptions.Database) is null ? Settings : typed;
            return (from.Text(CommonOptions.Data), from.Text(CommonOptions.Database));
        }
    }

    /// <summary>Opens the place of a server's rows that is meant.</summary>
    /// <param name="mayMake">Whether a data folder is made where there is none. What only looks, or changes what is there, would make another server out of a name that was mistyped, and find nothing wrong with it.</param>
    public DataPlace OpenData(bool mayMake = false)
    {
        var (folder, database) = Place;
        if (folder is not null && database is not null) throw CommandException.Usage("--data and --database are two places, and a server has one.", "Leave out --data (PROOFKEY_DATA), or --database (PROOFKEY_DATABASE).");
        if (database is null && !mayMake) ThrowIfNoDatabase(folder ?? Folders.Data());
        var rootKey = ReadRootKey();
        return database is null ? OpenFolder(folder ?? Folders.Data(), rootKey) : PostgreSqlPlace.Of(database, rootKey ?? throw RootKeyFile.Missing());
    }

    /// <summary>Opens a data folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="rootKey">A root key that lies elsewhere; one that lies in the folder and that others can read is told of.</param>
    public DataFolder OpenFolder(string path, byte[]? rootKey)
    {
        var folder = DataFolder.Open(path, rootKey);
        if (folder.KeepsRootKey) RootKeyFile.SayWhoReads(folder.RootKeyPath, Terminal);
        return folder;
    }

    /// <summary>Checks that there is an embedded database.</summary>
    /// <exception cref="CommandException">There is none.</exception>
    public static void ThrowIfNoDatabase(string folder)
    {
        if (!File.Exists(Path.Combine(folder, DataFolder.DatabaseName))) throw CommandException.Usage($"There is no database in {folder}.", "Name the data folder with --data DIR; proofkey serve and proofkey database migrate make a new one.");
    }

    /// <summary>Whether a root key was given.</summary>
    public bool HasRootKey => Settings.Text(CommonOptions.RootKeyFile) is not null || Environment.GetEnvironmentVariable(RootKeyVariable) is { Length: > 0 };

    /// <summary>The root key that was given, if one was.</summary>
    public byte[]? ReadRootKey() => RootKeyFile.Read(Settings.Text(CommonOptions.RootKeyFile), Environment.GetEnvironmentVariable(RootKeyVariable) is { Length: > 0 } text ? text : null, Terminal);

    /// <summary>Opens the registry there.</summary>
    /// <param name="mayMake">As for <see cref="OpenData"/>.</param>
    public Task<Administration> AdministerAsync(bool mayMake = false) => Administration.OpenAsync(OpenData(mayMake), Cancellation);
}
