using System.CommandLine;
using ProofKey.Cli.Hosting;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey grant revoke</c>: ends sign-ins at clients.</summary>
internal sealed class GrantRevokeVerb : Verb
{
    private readonly Argument<string?> _grant = new("GRANT") { Arity = ArgumentArity.ZeroOrOne, Description = "One grant, as grant list names it." };
    private readonly Option<string> _user = new("--user") { HelpName = "NAME", Description = "All of this person's instead, and what they agreed to is forgotten." };
    private readonly Option<string> _client = new("--client") { HelpName = "CLIENT_ID", Description = "With --user: only those at this client." };

    public GrantRevokeVerb()
        : base(
            "revoke",
            "End a person's sign-ins at clients; access tokens at APIs live on, 10 minutes at most. Browsers stay signed in: user reset and user disable end those too.",
            "proofkey grant revoke GRANT",
            "proofkey grant revoke --user alice --client CLIENT_ID")
    {
        Add(_grant);
        foreach (var option in (Option[])[_user, _client, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public override IReadOnlyList<Option> TypedAlone => [_user, _client];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var (grant, user, client) = (invocation.Parsed.GetValue(_grant), invocation.Settings.Text(_user), invocation.Settings.Text(_client));
        if ((grant is null) == (user is null) || (user is null && client is not null))
            throw CommandException.Usage("Say which sign-ins are to end.", "Give one GRANT, or --user NAME and perhaps --client CLIENT_ID.");
        await using var administration = await invocation.AdministerAsync();
        var revoked = user is null ? await RevokeOneAsync(administration, grant!, invocation.Cancellation) : await RevokeAllAsync(administration, user, client, invocation.Cancellation);
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(new RevokedGrants(revoked), CliJson.Default.RevokedGrants));
        else invocation.Terminal.Say($"Revoked {revoked} {(revoked == 1 ? "grant" : "grants")}{(user is null ? "" : $"; what {PlainText.Of(user)} agreed to is forgotten")}.");
        return ExitCodes.Done;
    }

    private static async Task<int> RevokeOneAsync(Administration administration, string id, CancellationToken cancellation)
    {
        var grant = await administration.People.FindGrantAsync(id, cancellation)
            ?? throw new CommandException(ExitCodes.Failed, $"There is no grant {id} in this data folder.", "See the grants with: proofkey grant list");
        return await administration.People.RevokeGrantAsync(grant) ? 1 : 0;
    }

    private static async Task<int> RevokeAllAsync(Administration administration, string user, string? client, CancellationToken cancellation) =>
        await administration.People.RevokeGrantsAsync(await UserShowVerb.FindAsync(administration, user, cancellation), client);
}
