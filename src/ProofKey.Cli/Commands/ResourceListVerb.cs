using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey resource list</c>: all registered APIs.</summary>
internal sealed class ResourceListVerb : Verb
{
    public ResourceListVerb()
        : base("list", "List the APIs.", "proofkey resource list", "proofkey resource list --json")
    {
        AddPlace();
        Add(CommonOptions.Json);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var resources = await administration.Registry.ListResourcesAsync(invocation.Cancellation);
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text([.. resources.Select(ResourceAddVerb.Shown)], CliJson.Default.IReadOnlyListShownResource));
            return ExitCodes.Done;
        }
        var listing = new Listing("address", "name", "scope");
        foreach (var resource in resources) listing.Add(resource.Address, resource.Name, resource.Scope.ToString());
        listing.WriteTo(invocation.Terminal);
        return ExitCodes.Done;
    }
}
