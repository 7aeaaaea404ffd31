using ProofKey.Cli.Configuration;
using ProofKey.Cli.Hosting;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey database copy</c>: moves an embedded database into PostgreSQL, while the server is stopped.</summary>
internal sealed class DatabaseCopyVerb : Verb
{
    public DatabaseCopyVerb()
        : base(
            "copy",
            "Copy all rows of a data folder (--data) into an empty PostgreSQL database (--database). Stop the server first.",
            "proofkey database copy --data /var/lib/proofkey --database \"Host=db;Username=proofkey;Database=proofkey\"")
    {
        AddPlace();
        Add(CommonOptions.Json);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var location = invocation.Settings.Text(CommonOptions.Data) ?? Folders.Data();
        // A folder that is made here would be copied as an empty one.
        Invocation.ThrowIfNoDatabase(location);
        var folder = invocation.OpenFolder(location, invocation.ReadRootKey());
        var target = PostgreSqlPlace.Of(invocation.Settings.Required(CommonOptions.Database), folder.RootKey);
        // What a server writes from now on would be lost.
        await using (await SoleUse.TakeAsync(folder, invocation.Cancellation))
        {
        }
        await using var administration = await Administration.OpenAsync(folder, invocation.Cancellation);
        await administration.Database.CheckAsync(invocation.Cancellation);
        DatabaseCheckVerb.Print(await administration.Database.CopyToAsync(target.CreateDataSource(), target.Dialect, invocation.Cancellation), invocation);
        invocation.Terminal.Say($"Every row of {folder.Location} is in {target.Location}, counted on both sides. The root key is the same: give it to the server with --root-key-file.");
        invocation.Terminal.Say("Do not start the server on the data folder again: what is revoked here would live on there.");
        return ExitCodes.Done;
    }
}
