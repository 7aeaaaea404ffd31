using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey database check</c>: whether the database can be read as a whole, and its keys opened.</summary>
internal sealed class DatabaseCheckVerb : Verb
{
    public DatabaseCheckVerb()
        : base("check", "Count the rows of every table, and open every key with the root key.", "proofkey database check", "proofkey database check --data ./data --json")
    {
        AddPlace();
        Add(CommonOptions.Json);
    }

    public static void Print(IReadOnlyList<TableCount> tables, Invocation invocation)
    {
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text(tables, DatabaseJson.Default.IReadOnlyListTableCount));
            return;
        }
        var listing = new Listing("table", "rows");
        foreach (var table in tables) listing.Add(table.Table, $"{table.Rows}");
        listing.WriteTo(invocation.Terminal);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        Print(await administration.Database.CheckAsync(invocation.Cancellation), invocation);
        invocation.Terminal.Say("Every table was counted, and the root key opens every key.");
        return ExitCodes.Done;
    }
}
