using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey logout</c>: ends the session at the server, and forgets the profile in any case.</summary>
internal sealed class LogoutVerb : SessionVerb
{
    public LogoutVerb()
        : base("logout", "Sign out: revoke the tokens, forget the profile.", "proofkey logout", "proofkey logout -p work")
    {
    }

    // What is there is to end, and not what a next sign-in would make: --store has no say here.
    protected override ChosenStore StoreOf(Invocation invocation, Profile profile, string folder) => ChosenStore.Holding(invocation.Settings, profile, folder);

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var name = open.Profile.Name;
        var (issuer, result) = await SignOutAsync(open, invocation.Cancellation);
        Profiles.Of(invocation.Settings).Forget(name);
        invocation.Terminal.Say(result switch
        {
            null => $"Nobody was signed in any more; profile {name} is forgotten.",
            { Revoked: true } => $"Signed out of {issuer}; profile {name} is forgotten.",
            { Problem: var problem } => PlainText.Of($"Signed out here; profile {name} is forgotten. The server did not take back the tokens, which end by themselves: {problem}"),
        });
        return ExitCodes.Done;
    }

    // The session may be for another server, client or scope than the profile remembers by now.
    private static async Task<(string Issuer, SignOutResult? Result)> SignOutAsync(OpenProfile open, CancellationToken cancellation)
    {
        if (await open.Client.FindSessionAsync(cancellation) is { } session) return (open.Profile.Issuer, await session.SignOutAsync(cancellation));
        foreach (var left in await open.Client.Options.Store.ListAsync(cancellation))
        {
            var options = open.Client.Options with { Issuer = left.Issuer, ClientId = left.ClientId, Scope = left.Scope, Resource = left.Resource, Profile = left.Profile };
            await using var client = new PublicClient(options);
            if (await client.FindSessionAsync(cancellation) is { } found) return (left.Issuer.Value, await found.SignOutAsync(cancellation));
        }
        return (open.Profile.Issuer, null);
    }
}
