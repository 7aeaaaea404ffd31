using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Server;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey grant list</c>: who is signed in where.</summary>
internal sealed class GrantListVerb : Verb
{
    private readonly Option<string> _user = new("--user") { HelpName = "NAME", Description = "Only this person's." };
    private readonly Option<string> _client = new("--client") { HelpName = "CLIENT_ID", Description = "Only this client's." };
    private readonly Option<bool> _all = new("--all") { Description = "Also those that were revoked or have ended." };

    public GrantListVerb()
        : base("list", "List the sign-ins at clients whose tokens work.", "proofkey grant list --user alice", "proofkey grant list --client CLIENT_ID --all --json")
    {
        foreach (var option in (Option[])[_user, _client, _all, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var subject = invocation.Settings.Text(_user) is { } user ? (await UserShowVerb.FindAsync(administration, user, invocation.Cancellation)).Subject : null;
        var names = (await administration.Registry.ListAccountsAsync(invocation.Cancellation)).ToDictionary(account => account.Subject, account => account.Name);
        var grants = await administration.People.ListGrantsAsync(subject, invocation.Settings.Text(_client), invocation.Cancellation);
        var shown = grants.Where(grant => grant.IsLive || invocation.Settings.Flag(_all)).Select(grant => Shown(grant, names.GetValueOrDefault(grant.Subject))).ToList();
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text(shown, CliJson.Default.IReadOnlyListShownGrant));
            return ExitCodes.Done;
        }
        var listing = new Listing("grant", "user", "client id", "scope", "state", "last used");
        foreach (var grant in shown) listing.Add(grant.Grant, grant.Name ?? grant.Sub, grant.ClientId, grant.Scope, grant.State, TimeText.Of(grant.LastUsedAt));
        listing.WriteTo(invocation.Terminal);
        return ExitCodes.Done;
    }

    private static ShownGrant Shown(GrantSummary grant, string? name) => new(
        grant.Id, grant.Subject, name, grant.ClientId, grant.Scope.ToString(), grant.IsLive ? "live" : grant.RevokedAt is null ? "ended" : "revoked", grant.CreatedAt, grant.LastUsedAt, grant.ExpiresAt);
}
