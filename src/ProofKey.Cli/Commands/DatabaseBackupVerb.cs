using System.CommandLine;
using ProofKey.Cli.Hosting;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey database backup</c>: a copy of the embedded database while the server runs. PostgreSQL has a program of its own for that.</summary>
internal sealed class DatabaseBackupVerb : Verb
{
    private readonly Argument<string> _file = new("FILE") { Description = "Where the backup goes; there must be no such file." };

    public DatabaseBackupVerb()
        : base(
            "backup",
            "Write a copy of the embedded database, while the server runs. Its root key is not in it: keep that elsewhere.",
            "proofkey database backup /backups/proofkey-monday.db",
            "proofkey database backup proofkey.db.copy --data ./data")
    {
        Add(_file);
        AddPlace();
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var file = Path.GetFullPath(invocation.Argument(_file));
        if (invocation.OpenData() is not DataFolder folder)
            throw CommandException.Usage("PostgreSQL has a program of its own for backups.", "Run: pg_dump --format=custom --file=proofkey.dump DATABASE, and pg_restore for the way back.");
        await folder.BackUpAsync(file, invocation.Cancellation);
        invocation.Terminal.Say($"{file} has everything but the root key. Whoever has both is the server.");
        return ExitCodes.Done;
    }
}
