using System.Data.Common;
using Microsoft.Data.Sqlite;
using ProofKey.Cli.Output;
using ProofKey.Client;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Hosting;

/// <summary>The data folder cannot be used. The message is one sentence, with the remedy.</summary>
internal sealed class DataFolderException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The folder that holds the embedded database and the root key. A copy of it is the server's identity: whoever has one can sign tokens
/// in its name.
/// </summary>
internal sealed class DataFolder : DataPlace
{
    /// <summary>The file of the database.</summary>
    public const string DatabaseName = "proofkey.db";
    private const string RootKeyName = "root.key";

    private DataFolder(string path, byte[]? rootKey)
        : base(rootKey ?? ReadOrMakeRootKey(path)) => (Location, KeepsRootKey) = (path, rootKey is null);

    /// <summary>The absolute path.</summary>
    public override string Location { get; }

    /// <summary>Whether the root key lies beside the database.</summary>
    public bool KeepsRootKey { get; }

    public override string Description => SqliteLibrary.Description;

    public override string Options => $"--data {CommandText.Argument(Location)}";

    public override DatabaseDialect Dialect => DatabaseDialect.Sqlite;

    /// <summary>Opens a folder, and makes it with a new root key where there is none.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="rootKey">A root key that lies elsewhere; else it lies in the folder.</param>
    /// <exception cref="DataFolderException">It cannot be made, read or written.</exception>
    public static DataFolder Open(string path, byte[]? rootKey = null)
    {
        if (string.IsNullOrWhiteSpace(path)) throw new DataFolderException("The data folder has no name; give it with --data DIR.");
        var location = Path.GetFullPath(path);
        try
        {
            OwnerFile.MakeFolder(Path.Combine(location, RootKeyName));
            return new DataFolder(location, rootKey);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"The data folder {location} cannot be used: {exception.Message} Choose another with --data DIR, or mend its owner and mode.", exception);
        }
    }

    /// <summary>The embedded database as a data source.</summary>
    public override DbDataSource CreateDataSource() => SourceOf(DatabaseFile);

    /// <summary>Where the database is, or will be.</summary>
    public string DatabaseFile => Path.Combine(Location, DatabaseName);

    /// <summary>Where the root key is, if it lies in the folder.</summary>
    public string RootKeyPath => Path.Combine(Location, RootKeyName);

    /// <summary>Whether a folder has a root key of its own.</summary>
    public static bool HasRootKey(string path) => File.Exists(Path.Combine(path, RootKeyName));

    /// <summary>A file as a data source; it is made for its owner alone where there is none.</summary>
    public static DbDataSource SourceOf(string file)
    {
        SqliteLibrary.Load();
        MakePrivate(file);
        var connection = new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadWriteCreate, Pooling = false, DefaultTimeout = 5 };
        return SqliteFactory.Instance.CreateDataSource(connection.ConnectionString);
    }

    /// <summary>Puts another root key in the place of the one beside the database.</summary>
    /// <param name="rootKey">The new one.</param>
    /// <param name="source">The file that it comes from.</param>
    /// <param name="rewrap">Wraps the keys with it. Where there is no room for the file, that is known before.</param>
    /// <exception cref="DataFolderException">The file could not be written; the message says which root key counts.</exception>
    public async Task ReplaceRootKeyAsync(byte[] rootKey, string source, Func<Task> rewrap)
    {
        var (file, unfinished) = (RootKeyPath, "");
        try
        {
            unfinished = WriteUnfinished(file, rootKey);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"The new root key cannot be written beside {file}: {exception.Message} Nothing was changed. Check the folder, its owner and mode, and the free space.", exception);
        }
        try
        {
            await rewrap();
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
        try
        {
            File.Move(unfinished, file, overwrite: true);
            OwnerFile.FlushFolder(Location);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"The new root key wraps all keys now, but {file} still has the old one: {exception.Message} Copy {source} there, or start with --root-key-file {source}.", exception);
        }
    }

    /// <summary>Writes a copy of the database, as it is at one moment, for its owner alone.</summary>
    /// <param name="file">Where to; there must be no such file.</param>
    /// <param name="cancellation">Stops, and leaves no half of it.</param>
    /// <exception cref="DataFolderException">It cannot be written.</exception>
    public async Task BackUpAsync(string file, CancellationToken cancellation)
    {
        if (!File.Exists(Path.Combine(Location, DatabaseName))) throw new DataFolderException($"There is no database in {Location}; name the data folder with --data DIR.");
        // Under its own name it is whole: a half one, of a command that was killed, must not pass for a backup.
        var unfinished = $"{file}.{Environment.ProcessId}.new";
        try
        {
            if (File.Exists(file)) throw new IOException("It exists.");
            new FileStream(unfinished, OwnerOnly(FileMode.Create)).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"{file} cannot be made: {exception.Message} Name a file that is not there yet.", exception);
        }
        try
        {
            await using var source = CreateDataSource();
            await using var command = source.CreateCommand("vacuum into @file");
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ("@file", unfinished);
            command.Parameters.Add(parameter);
            await command.ExecuteNonQueryAsync(cancellation);
            await using (var written = new FileStream(unfinished, FileMode.Open, FileAccess.ReadWrite)) written.Flush(flushToDisk: true);
            File.Move(unfinished, file);
            OwnerFile.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(file))!);
        }
        catch (Exception exception)
        {
            File.Delete(unfinished);
            if (exception is DbException or IOException) throw new DataFolderException($"{file} cannot be written: {exception.Message} Free some space, or choose another place.", exception);
            throw;
        }
    }

    private static byte[] ReadOrMakeRootKey(string location)
    {
        var file = Path.Combine(location, RootKeyName);
        if (!File.Exists(file))
        {
            // A database whose key is gone must not be opened with a new one: all its keys would be lost without a word.
            if (File.Exists(Path.Combine(location, DatabaseName)))
                throw new DataFolderException($"{file} is missing, and the database beside it cannot be opened without it; put the root key back from its backup.");
            MakeRootKey(file);
        }
        var key = File.ReadAllBytes(file);
        return key.Length == RootKeyFile.Length ? key : throw new DataFolderException($"{file} is not a root key: it has {key.Length} bytes instead of {RootKeyFile.Length}; put the right one back from its backup.");
    }

    // Written whole before it has its name: a start that fails half-way, or two at once, leave no broken key behind.
    private static void MakeRootKey(string file)
    {
        var unfinished = WriteUnfinished(file, Secret.NewBytes(RootKeyFile.Length));
        try
        {
            File.Move(unfinished, file);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(unfinished);
        }
        // What it wraps is worth nothing without it.
        OwnerFile.FlushFolder(Path.GetDirectoryName(file)!);
    }

    private static string WriteUnfinished(string file, byte[] rootKey)
    {
        var unfinished = $"{file}.{Environment.ProcessId}.new";
        using var made = new FileStream(unfinished, OwnerOnly(FileMode.Create));
        made.Write(rootKey);
        made.Flush(flushToDisk: true);
        return unfinished;
    }

    // The driver makes the file with the process's mode; made here first, it is the owner's alone.
    private static void MakePrivate(string file)
    {
        if (File.Exists(file)) return;
        try
        {
            new FileStream(file, OwnerOnly(FileMode.CreateNew)).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (!File.Exists(file)) throw new DataFolderException($"{file} cannot be made: {exception.Message} Choose another folder with --data DIR, or mend its owner and mode.", exception);
        }
    }

    /// <summary>Makes a file that its owner alone reads.</summary>
    public static FileStreamOptions OwnerOnly(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }
}
