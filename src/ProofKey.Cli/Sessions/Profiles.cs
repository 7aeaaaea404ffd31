using System.Text.Json;
using ProofKey.Cli.Configuration;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>The profiles of this person: a folder each, with what the profile is for and, beside it, the session.</summary>
internal sealed class Profiles(string folder)
{
    private const string ProfileFile = "profile.json";

    // No profile's folder has such a name.
    private const string ActiveFile = ".active";

    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // What a variable or the configuration file says, which goes before what was switched to.
    private string? _said;

    public static Profiles Of(Settings settings) => new(settings.Elsewhere("sessions") ?? Folders.Sessions()) { _said = settings.Elsewhere("profile") };

    /// <summary>Checks a name, which becomes the name of a folder.</summary>
    /// <exception cref="CommandException">It cannot be one.</exception>
    public static string Checked(string name) => ProfileName.IsDevice(name.Split('.')[0].ToLowerInvariant())
        ? throw CommandException.Usage($"On Windows {name} is the name of a device, so no profile has it.", "Choose another with --profile.")
        : name.Length is >= 1 and <= 64 && name[0] is not ('.' or '-') && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_') ? name
            : throw CommandException.Usage("A profile's name has 1 to 64 letters, digits, dots, hyphens or underscores, and starts with a letter or digit.", "Choose another with --profile.");

    /// <summary>The name of the profile that is meant where none is named.</summary>
    public string Active
    {
        get
        {
            try
            {
                return File.ReadLines(Path.Combine(folder, ActiveFile)).FirstOrDefault() is { Length: > 0 } name ? name : Profile.DefaultName;
            }
            catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
            {
                return Profile.DefaultName;
            }
        }
    }

    /// <summary>Whether a profile is meant where none is named, with and without the variable and the file: another terminal may have neither.</summary>
    public bool IsMeant(string name) => name == Active && (_said is null || _said == name);

    /// <summary>Chooses the profile that is meant where none is named.</summary>
    public void Activate(string name) => Replace(Path.Combine(folder, ActiveFile), file => file.Write(System.Text.Encoding.ASCII.GetBytes(name + "\n")));

    /// <summary>The folder in which the session of a profile is kept.</summary>
    public string FolderOf(string name) => Path.Combine(folder, name);

    /// <summary>Whether a profile has a file with a session, good or not.</summary>
    public bool HasSession(string name) => Directory.Exists(FolderOf(name)) && Directory.EnumerateFiles(FolderOf(name), "*.vault").Any();

    /// <summary>The names of all profiles.</summary>
    public IReadOnlyList<string> Names() => !Directory.Exists(folder) ? []
        : [.. Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)).Where(name => File.Exists(FileOf(name))).Order(StringComparer.Ordinal)];

    /// <summary>Finds a profile.</summary>
    /// <exception cref="CommandException">It is there and cannot be understood, or its folder is another profile's.</exception>
    public Profile? Find(string name)
    {
        try
        {
            var profile = JsonSerializer.Deserialize(File.ReadAllBytes(FileOf(name)), ProfileJson.Default.Profile);
            return profile?.IsUsable == true ? Named(name, profile) with { IsActive = IsMeant(name) } : throw Damaged(name, null);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception damaged) when (damaged is JsonException or IOException or UnauthorizedAccessException)
        {
            throw Damaged(name, damaged);
        }
    }

    /// <summary>Finds a profile, unless it is damaged.</summary>
    public Profile? FindReadable(string name)
    {
        try
        {
            return Find(name);
        }
        catch (CommandException)
        {
            return null;
        }
    }

    /// <summary>The servers of the profiles whose answers do not name them. A profile that is damaged says nothing.</summary>
    public IReadOnlyList<SilentServer> SilentServers() => [.. Names().Select(FindReadable).Where(profile => profile?.SilentAt is not null).Select(profile => new SilentServer(profile!.Issuer, profile.SilentAt!))];

    /// <summary>Finds a profile that must be there.</summary>
    /// <exception cref="CommandException">Nobody has signed in under that name.</exception>
    public Profile Get(string name) => Find(name) ?? throw new CommandException(
        ExitCodes.SignInNeeded,
        name == Profile.DefaultName && Names().Count == 0 ? "Nobody has signed in here yet." : $"There is no profile {name}.",
        Names() is { Count: > 0 } names ? $"The profiles are {string.Join(", ", names)}: choose one with -p, or sign in with: proofkey login ISSUER --client-id ID" : "Sign in with: proofkey login ISSUER --client-id ID");

    /// <summary>Remembers what a profile is for. A reader finds the old file or the new one.</summary>
    public void Remember(Profile profile)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(FolderOf(profile.Name));
        // A session in memory has made no folder.
        else Directory.CreateDirectory(FolderOf(profile.Name), OwnersFile | UnixFileMode.UserExecute);
        Replace(FileOf(profile.Name), file => JsonSerializer.Serialize(file, profile, ProfileJson.Default.Profile));
    }

    /// <summary>Forgets a profile; the one called default is meant again if it was this one. The lock file of its session stays: another process may be waiting for it.</summary>
    public void Forget(string name)
    {
        File.Delete(FileOf(name));
        if (Active == name) File.Delete(Path.Combine(folder, ActiveFile));
    }

    // Two sign-ins may end at the same time, so each has a file of its own until it is whole, on the disk too.
    private static void Replace(string path, Action<Stream> write)
    {
        var next = $"{path}.{Secret.NewText(8)}.new";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnersFile;
        try
        {
            using (var file = new FileStream(next, options))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(next, path, overwrite: true);
            OwnerFile.FlushFolder(Path.GetDirectoryName(path)!);
        }
        catch
        {
            File.Delete(next);
            throw;
        }
    }

    // Windows and macOS know no capital letters in the names of files: whoever says Work there would get the session of work.
    private static Profile Named(string name, Profile profile) => profile.Name == name ? profile : throw CommandException.Usage(
        $"On this system profile {profile.Name} has the folder of {name}.", $"Say -p {profile.Name} if you mean it, or choose a name that differs by more than small and capital letters.");

    private string FileOf(string name) => Path.Combine(folder, name, ProfileFile);

    private CommandException Damaged(string name, Exception? inner) =>
        new(ExitCodes.TokenStore, $"The file {FileOf(name)} is damaged or cannot be read.", $"Remove it, and sign in again with: proofkey login ISSUER --client-id ID -p {name}", inner);
}
