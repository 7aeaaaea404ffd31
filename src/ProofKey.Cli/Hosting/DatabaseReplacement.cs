using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using ProofKey.Client;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Hosting;

/// <summary>
/// A backup on its way into the place of a data folder's database. It is a copy beside it, so that everything that has to be done to it is done before
/// it gets there; until then nothing has changed, and afterwards the database of before lies beside it.
/// </summary>
internal sealed partial class DatabaseReplacement : DataPlace, IAsyncDisposable
{
    private const int NotADatabase = 26;
    private const int Corrupt = 11;

    // Of our own alone: a backup may lie beside it, under a name like these.
    [GeneratedRegex(@"\.\d+\.new(-wal|-shm)?$")]
    private static partial Regex Unfinished { get; }

    private readonly DataFolder _folder;
    private readonly string _copy;
    private SoleUse? _alone;

    private DatabaseReplacement(DataFolder folder)
        : base(folder.RootKey) => (_folder, _copy) = (folder, $"{folder.DatabaseFile}.{Environment.ProcessId}.new");

    public override string Location => _copy;

    public override string Description => _folder.Description;

    public override string Options => _folder.Options;

    public override DatabaseDialect Dialect => _folder.Dialect;

    /// <summary>Keeps everybody out of the present database, and copies the backup beside it.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="backup">The file of the backup, which stays where it is.</param>
    /// <param name="cancellation">Stops, and leaves nothing behind.</param>
    /// <exception cref="CommandException">Somebody uses the present database, or the file is no backup of one.</exception>
    public static async Task<DatabaseReplacement> PrepareAsync(DataFolder folder, string backup, CancellationToken cancellation)
    {
        var replacement = new DatabaseReplacement(folder);
        try
        {
            if (File.Exists(folder.DatabaseFile)) replacement._alone = await SoleUse.TakeAsync(folder, cancellation);
            replacement.ClearAway();
            await replacement.CopyAsync(backup, cancellation);
            return replacement;
        }
        catch
        {
            await replacement.DisposeAsync();
            throw;
        }
    }

    public override DbDataSource CreateDataSource() => DataFolder.SourceOf(_copy);

    /// <summary>Puts the copy in the place of the database, in one step. Nobody may have it open any more.</summary>
    /// <param name="now">Names the database of before.</param>
    /// <returns>Where the database of before is, or the log that is left of it; <see langword="null"/> when there was nothing.</returns>
    public async Task<string?> TakePlaceAsync(DateTimeOffset now)
    {
        // What is not in the file would be left behind without a word.
        if (File.Exists(Log(_copy))) throw new DataFolderException($"{_copy} could not be finished; nothing was changed. Free some space, and try again.");
        await using (var written = new FileStream(_copy, FileMode.Open, FileAccess.ReadWrite)) written.Flush(flushToDisk: true);
        var former = $"{_folder.DatabaseFile}.before-{now.ToString("yyyyMMdd'T'HHmmss.fff'Z'", CultureInfo.InvariantCulture)}";
        if (File.Exists(former)) throw new DataFolderException($"{former} is there already; nothing was changed. Try again.");
        // There a file that is open has a name that stays. Elsewhere nobody gets in before the new one is there.
        if (OperatingSystem.IsWindows()) await UnlockAsync();
        // A database that is damaged, or gone, has left these: SQLite would write them into the one that comes, since a log does not say whose it is.
        foreach (var (beside, kept) in new[] { (Log(_folder.DatabaseFile), Log(former)), (SharedMemory(_folder.DatabaseFile), SharedMemory(former)) })
            if (File.Exists(beside)) File.Move(beside, kept);
        if (!File.Exists(_folder.DatabaseFile))
        {
            File.Move(_copy, _folder.DatabaseFile);
            OwnerFile.FlushFolder(_folder.Location);
            return File.Exists(Log(former)) ? Log(former) : null;
        }
        File.Replace(_copy, _folder.DatabaseFile, former);
        OwnerFile.FlushFolder(_folder.Location);
        return former;
    }

    public async ValueTask DisposeAsync()
    {
        await UnlockAsync();
        DeleteCopy();
    }

    // What a restore that was killed has left: its log would be written into our copy. Who has the present database for himself is the only one who restores.
    private void ClearAway()
    {
        DeleteCopy();
        if (_alone is null) return;
        foreach (var left in Directory.GetFiles(Path.GetDirectoryName(_copy)!, $"{Path.GetFileName(_folder.DatabaseFile)}.*.new*"))
            if (Unfinished.IsMatch(Path.GetFileName(left))) File.Delete(left);
    }

    private void DeleteCopy()
    {
        foreach (var file in new[] { _copy, Log(_copy), SharedMemory(_copy) }) File.Delete(file);
    }

    /// <summary>What to say of a file that SQLite may not open.</summary>
    internal static DataFolderException Unusable(string file, SqliteException denied) => new($"{file} cannot be opened: {denied.Message} Check its owner and mode and those of its folder, and the free space; nothing was changed.", denied);

    private async Task CopyAsync(string backup, CancellationToken cancellation)
    {
        if (File.Exists(Log(backup)) && new FileInfo(Log(backup)).Length > 0)
            throw new CommandException(ExitCodes.Failed, $"{backup} is not whole: what was written last is in {Log(backup)}.", "Stop the server that it belongs to, or make a backup with: proofkey database backup FILE");
        try
        {
            await using var from = new FileStream(backup, FileMode.Open, FileAccess.Read);
            await using var to = new FileStream(_copy, DataFolder.OwnerOnly(FileMode.Create));
            await from.CopyToAsync(to, cancellation);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"{backup} cannot be copied into {_folder.Location}: {exception.Message} Check its path, owner and mode, and the free space.", exception);
        }
        if (!await HasTablesAsync(cancellation)) throw new CommandException(ExitCodes.Failed, $"{backup} is not a backup of a ProofKey database; nothing was changed.", "Name a file that proofkey database backup made.");
    }

    // An empty file is an empty database to SQLite, and would become a new one without a word.
    private async Task<bool> HasTablesAsync(CancellationToken cancellation)
    {
        try
        {
            await using var source = CreateDataSource();
            await using var command = source.CreateCommand("select count(*) from sqlite_master where name = 'schema_version'");
            return await command.ExecuteScalarAsync(cancellation) is 1L;
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode is NotADatabase or Corrupt)
        {
            return false;
        }
        catch (SqliteException denied)
        {
            throw Unusable(_copy, denied);
        }
    }

    private async Task UnlockAsync()
    {
        if (_alone is not null) await _alone.DisposeAsync();
        _alone = null;
    }

    private static string Log(string file) => $"{file}-wal";

    private static string SharedMemory(string file) => $"{file}-shm";
}
