using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey logout</c>: ends the session at the server, and forgets the profile in any case.</summary>
internal sealed class LogoutVerb : SessionVerb
{
    public LogoutVerb()
        : base("logout", "Sign out: revoke the tokens, forget the profile.", "proofkey logout", "proofkey logout -p work")
    {
    }

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var name = open.Profile.Name;
        var session = await open.Client.FindSessionAsync(invocation.Cancellation);
        var result = session is null ? null : await session.SignOutAsync(invocation.Cancellation);
        Profiles.Of(invocation.Settings).Forget(name);
        invocation.Terminal.Say(result switch
        {
            null => $"Nobody was signed in any more; profile {name} is forgotten.",
            { Revoked: true } => $"Signed out of {open.Profile.Issuer}; profile {name} is forgotten.",
            { Problem: var problem } => PlainText.Of($"Signed out here; profile {name} is forgotten. The server did not take back the tokens, which end by themselves: {problem}"),
        });
        return ExitCodes.Done;
    }
}
