using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey user list</c>: all people who can sign in.</summary>
internal sealed class UserListVerb : Verb
{
    public UserListVerb()
        : base("list", "List the people who can sign in.", "proofkey user list", "proofkey user list --data ./data --json")
    {
        AddPlace();
        Add(CommonOptions.Json);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var accounts = await administration.Registry.ListAccountsAsync(invocation.Cancellation);
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text([.. accounts.Select(UserAddVerb.Shown)], CliJson.Default.IReadOnlyListShownUser));
            return ExitCodes.Done;
        }
        var listing = new Listing("name", "e-mail", "admin", "state", "sub");
        foreach (var account in accounts) listing.Add(account.Name, account.Email ?? "", account.IsAdmin ? "yes" : "no", account.DisabledAt is null ? "active" : "disabled", account.Subject);
        listing.WriteTo(invocation.Terminal);
        return ExitCodes.Done;
    }
}
