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

    // A first sign-in that was killed may have left a session and no profile.
    protected override Profile ProfileOf(Profiles profiles, string name) =>
        profiles.Find(name) ?? (profiles.HasSession(name) ? new Profile { Name = name, Issuer = "https://proofkey.invalid", ClientId = "-", Scope = Profile.DefaultScope } : base.ProfileOf(profiles, name));

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var name = open.Profile.Name;
        var (issuer, result) = await SignOutAsync(open, invocation.Cancellation);
        Profiles.Of(invocation.Settings).Forget(name);
        invocation.Terminal.Say(result switch
        {
            null => $"Nobody was signed in any more; profile {name} is forgotten.",
            { Revoked: true } => $"Signed out of {issuer}; profile {name} is forgotten.",
            { Problem: var problem } => PlainText.Of($"Signed out here; profile {name} is forgotten. {problem}"),
        });
        return ExitCodes.Done;
    }

    private static async Task<(string Issuer, SignOutResult? Result)> SignOutAsync(OpenProfile open, CancellationToken cancellation)
    {
        await using var kept = await KeptSession.FindAsync(open.Client.Options, cancellation);
        return kept is null ? (open.Profile.Issuer, null) : (kept.Session.Issuer.Value, await kept.Session.SignOutAsync(cancellation));
    }
}
