using ProofKey.Cli.Hosting;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey database migrate</c>: makes the tables, or brings them up to date, without starting a server.</summary>
internal sealed class DatabaseMigrateVerb : Verb
{
    public DatabaseMigrateVerb()
        : base("migrate", "Make the tables, or bring them up to date, as a start of the server does.", "proofkey database migrate --database \"Host=db;Username=proofkey;Database=proofkey\"") => AddPlace();

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await Administration.OpenAsync(invocation.OpenData(mayMake: true), invocation.Cancellation, mayUpgrade: true);
        invocation.Terminal.Say("The tables are up to date.");
        return ExitCodes.Done;
    }
}
