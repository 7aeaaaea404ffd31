using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey logout</c>: ends the session at the server, forgets the profile in any case, and leads to where the browser is signed out too.</summary>
internal sealed class LogoutVerb : SessionVerb
{
    private readonly Option<bool> _browser = new("--browser") { Description = "Open the server's page that signs the browser out too, where a browser can be opened here." };

    public LogoutVerb()
        : base("logout", "Sign out: revoke the tokens, forget the profile.", "proofkey logout", "proofkey logout -p work", "proofkey logout --browser")
    {
        foreach (var option in (IEnumerable<Option>)[_browser, CommonOptions.Json]) Add(option);
    }

    // The variable of that name is about login.
    public override IReadOnlyList<Option> TypedAlone => [_browser];

    // The key of that name is of login: which road a sign-in takes.
    public override IReadOnlyList<Option> OfAnotherVerb => [_browser];

    private sealed record Ended(string Issuer, SignOutResult? Result, Uri? EndSessionUri);

    // What is there is to end, and not what a next sign-in would make: --store has no say here.
    protected override ChosenStore StoreOf(Invocation invocation, Profile profile, string folder) => ChosenStore.Holding(invocation.Settings, profile, folder);

    // A first sign-in that was killed may have left a session and no profile.
    protected override Profile ProfileOf(Profiles profiles, string name) =>
        profiles.Find(name) ?? (profiles.HasSession(name) ? new Profile { Name = name, Issuer = "https://proofkey.invalid", ClientId = "-", Scope = Profile.DefaultScope } : base.ProfileOf(profiles, name));

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var (name, opens) = (open.Profile.Name, invocation.Settings.Flag(_browser));
        var ended = await SignOutAsync(open, opens, invocation.Cancellation);
        Profiles.Of(invocation.Settings).Forget(name);
        invocation.Terminal.Say(ended.Result switch
        {
            null => $"Nobody was signed in any more; profile {name} is forgotten.",
            { Revoked: true } => $"Signed out of {ended.Issuer}; profile {name} is forgotten.",
            { Problem: var problem } => PlainText.Of($"Signed out here; profile {name} is forgotten. {problem}"),
        });
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(Shown(name, ended), CliJson.Default.SignedOutProfile));
        var browser = new BrowserSignOut(invocation.Terminal, ended.EndSessionUri);
        if (opens) await browser.OpenAsync(MayAsk(invocation), invocation.Cancellation);
        else browser.Tell();
        return ExitCodes.Done;
    }

    private static async Task<Ended> SignOutAsync(OpenProfile open, bool opens, CancellationToken cancellation)
    {
        await using var kept = await KeptSession.FindAsync(open.Client.Options, cancellation);
        if (kept is null)
        {
            // What an interrupted renewal left word of is over.
            using (await open.Client.Vault.LockAsync(cancellation)) open.Client.Vault.ForgetInterruption();
            // Where nobody is signed in here any more the browser may still be: the server is asked if it matters.
            return new Ended(open.Profile.Issuer, null, opens ? await open.Client.SignOut.EndSessionUriAsync(cancellation) : null);
        }
        var result = await kept.Session.SignOutAsync(cancellation);
        return new Ended(kept.Session.Issuer.Value, result, result.EndSessionUri);
    }

    private static SignedOutProfile Shown(string name, Ended ended) => new(name, ended.Issuer, ended.Result is { Revoked: true }, ended.Result?.Problem, ended.EndSessionUri?.AbsoluteUri);
}
