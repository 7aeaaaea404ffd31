using System.CommandLine;
using ProofKey.Cli.Configuration;
using ProofKey.Cli.Hosting;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey database restore</c>: goes back to a backup, and does again what was revoked since.</summary>
internal sealed class DatabaseRestoreVerb : Verb
{
    private const string Keep = "keep";
    private const string RevokeChanged = "revoke-changed";
    private const string RevokeAll = "revoke-all";

    private readonly Argument<string?> _file = new("FILE")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = "The backup of an embedded database. Without it, the rows are back already: by pg_restore, or by hand.",
    };

    private readonly Option<string> _grants = new("--grants")
    {
        HelpName = "GRANTS",
        Description = "Which sign-ins go on: keep (all but what --audit says was revoked), revoke-changed (all but those of people and clients that --audit names), "
            + "revoke-all (none). Asked on a terminal; on a pipe: revoke-all.",
    };

    private readonly Option<string> _audit = new("--audit") { HelpName = "FILE", Description = "The audit trail up to now, as audit-log --json wrote it: what was revoked since the backup is revoked again." };

    public DatabaseRestoreVerb()
        : base(
            "restore",
            "Go back to a backup, while the server is stopped. What was revoked since lives in a backup: say what becomes of it.",
            "proofkey database restore monday.db --grants keep --audit audit.jsonl",
            "proofkey database restore monday.db --data ./data --grants revoke-all",
            "proofkey database restore --database \"Host=db;Username=proofkey;Database=proofkey\" --audit audit.jsonl")
    {
        Add(_file);
        Add(_grants);
        Add(_audit);
        AddPlace();
    }

    // What a restore does is said for this one time, not by a variable.
    public override IReadOnlyList<Option> TypedAlone => [_grants, _audit];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        // Who sets one believes that it counts, and what is done without it cannot be undone.
        if (TypedAlone.FirstOrDefault(Settings.HasVariable) is { } set)
            throw CommandException.Usage($"{set.Name} counts on the command line alone, and {Settings.VariableOf(set.Name)} is set; nothing was done.", $"Say {set.Name} {set.HelpName} in the command, and unset the variable.");
        var (file, auditFile) = (invocation.Parsed.GetValue(_file), invocation.Settings.Text(_audit));
        var typed = invocation.Settings.Text(_grants) is null ? null : invocation.Settings.Choice(_grants, RevokeAll, RevokeChanged, Keep);
        var place = Open(invocation, isForFile: file is not null);
        var audit = auditFile is null ? [] : await ExportedAuditTrail.ReadAsync(auditFile, invocation.Cancellation);
        var grants = typed ?? (invocation.Terminal.CanAsk ? await AskAsync(invocation) : RevokeAll);
        if (grants == RevokeChanged && auditFile is null) throw CommandException.Usage("Without the audit trail nobody knows what changed; nothing was done.", "Give --audit FILE, or choose --grants revoke-all.");
        var (outcome, former) = file is null ? (await MarkAsync(place, grants, audit, invocation.Cancellation), null) : await ReplaceAsync((DataFolder)place, file, grants, audit, invocation.Cancellation);
        Tell(invocation.Terminal, place, grants, auditFile is not null, outcome, former);
        return ExitCodes.Done;
    }

    private static DataPlace Open(Invocation invocation, bool isForFile)
    {
        // A new root key opens no backup, and a new folder has nothing to mark.
        if (invocation.Place is { Database: null } meant)
        {
            var folder = meant.Folder ?? Folders.Data();
            if (!isForFile && !File.Exists(Path.Combine(folder, DataFolder.DatabaseName))) throw CommandException.Usage($"There is no database in {folder}.", "Name the file of the backup, or the data folder with --data DIR.");
            if (!invocation.HasRootKey && !DataFolder.HasRootKey(folder))
                throw CommandException.Usage($"There is no root key in {folder}, and a backup cannot be opened without the one that it was made under.", "Put root.key back there, or give --root-key-file FILE.");
        }
        var place = invocation.OpenData(mayMake: isForFile);
        if (isForFile && place is not DataFolder) throw CommandException.Usage("The rows of PostgreSQL come back by its own program.", "Run pg_restore, then this command without a file.");
        return place;
    }

    private static async Task<(RestoreOutcome Outcome, string? Former)> ReplaceAsync(DataFolder folder, string file, string grants, IReadOnlyList<AuditEntry> audit, CancellationToken cancellation)
    {
        await using var replacement = await DatabaseReplacement.PrepareAsync(folder, Path.GetFullPath(file), cancellation);
        // Done before the file is in its place: there it is never seen without.
        var outcome = await MarkAsync(replacement, grants, audit, cancellation);
        return (outcome, await replacement.TakePlaceAsync(TimeProvider.System.GetUtcNow()));
    }

    private static async Task<RestoreOutcome> MarkAsync(DataPlace place, string grants, IReadOnlyList<AuditEntry> audit, CancellationToken cancellation)
    {
        await using var administration = await Administration.OpenAsync(place, cancellation, mayUpgrade: true);
        return await administration.Database.MarkRestoredAsync(grants switch { Keep => RestoredGrants.Keep, RevokeChanged => RestoredGrants.RevokeChanged, _ => RestoredGrants.RevokeAll }, audit, cancellation);
    }

    private static async Task<string> AskAsync(Invocation invocation)
    {
        var error = invocation.Terminal.Error;
        error.WriteLine("A backup does not know what was revoked after it was made. Which sign-ins are to go on?");
        error.WriteLine($"  1  {Keep}            all of them, but those that the audit trail (--audit) says were revoked since");
        error.WriteLine($"  2  {RevokeChanged}  all but those of people and clients of whom the audit trail says anything since");
        error.WriteLine($"  3  {RevokeAll}      none: everybody signs in again");
        error.Write("Type 1, 2 or 3: ");
        // Reading a line knows no cancellation, and Ctrl-C is to work at once.
        var answer = await Task.Run(Console.ReadLine, invocation.Cancellation).WaitAsync(invocation.Cancellation);
        return answer?.Trim() switch
        {
            "1" or Keep => Keep,
            "2" or RevokeChanged => RevokeChanged,
            "3" or RevokeAll => RevokeAll,
            _ => throw new CommandException(ExitCodes.Cancelled, "Nothing was changed.", ""),
        };
    }

    private static void Tell(Terminal terminal, DataPlace place, string grants, bool hasAudit, RestoreOutcome outcome, string? former)
    {
        if (former is not null) terminal.Say($"The database of before is {former}; delete it when you need it no more.");
        terminal.Say(
            hasAudit ? $"Revocations of the audit trail that are newer than the backup: {outcome.Revocations}. They hold again."
            : grants == RevokeAll ? "No audit trail was given. Who was disabled or removed since the backup is not so any more; do it again."
            : "No audit trail was given: what was revoked since the backup lives again. Revoke it, or restore the file again with --audit FILE before the server starts.");
        terminal.Say(grants switch
        {
            Keep => "Every other sign-in goes on.",
            RevokeChanged => "Whomever the trail names since the backup signs in again; every other sign-in goes on.",
            _ => "Everybody signs in again.",
        });
        foreach (var name in outcome.WithoutPassword) terminal.Say($"{PlainText.Of(name)} got a new password after the backup, which is lost; give another one with: proofkey user reset {CommandText.Argument(name)} {place.Options}");
    }
}
