using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey client list</c>: all clients.</summary>
internal sealed class ClientListVerb : Verb
{
    public ClientListVerb()
        : base("list", "List the clients.", "proofkey client list", "proofkey client list --data ./data --json")
    {
        AddPlace();
        Add(CommonOptions.Json);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var clients = await administration.Registry.ListClientsAsync(invocation.Cancellation);
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text([.. clients.Select(ClientShowVerb.Shown)], CliJson.Default.IReadOnlyListShownClient));
            return ExitCodes.Done;
        }
        var listing = new Listing("client id", "name", "kind", "redirect URIs");
        foreach (var client in clients) listing.Add(client.Id, client.Name, client.IsPublic ? "public" : "confidential", string.Join(' ', client.RedirectUris));
        listing.WriteTo(invocation.Terminal);
        return ExitCodes.Done;
    }
}
