using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey scope list</c>: the scopes that were put into words.</summary>
internal sealed class ScopeListVerb : Verb
{
    public ScopeListVerb()
        : base("list", "List the scopes that were put into words.", "proofkey scope list", "proofkey scope list --json")
    {
        AddPlace();
        Add(CommonOptions.Json);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var scopes = await administration.Registry.ListScopesAsync(invocation.Cancellation);
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text([.. scopes.Select(ScopeSetVerb.Shown)], CliJson.Default.IReadOnlyListShownScope));
            return ExitCodes.Done;
        }
        var listing = new Listing("scope", "in words");
        foreach (var scope in scopes) listing.Add(scope.Name, scope.Words);
        listing.WriteTo(invocation.Terminal);
        return ExitCodes.Done;
    }
}
