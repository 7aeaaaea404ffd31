using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey list</c>: the profiles of this person. No server is asked.</summary>
internal sealed class ListVerb : Verb
{
    public ListVerb()
        : base("list", "List the profiles that have signed in here.", "proofkey list", "proofkey list --json")
    {
        foreach (var option in new Option[] { CommonOptions.Json, CommonOptions.KeyFile, CommonOptions.PassphraseFile }) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var profiles = Profiles.Of(invocation.Settings);
        var shown = new List<ShownProfile>();
        var isLocked = false;
        foreach (var name in profiles.Names()) shown.Add(await ShownAsync(invocation, profiles, name, isLocked, () => isLocked = true));
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text(shown, CliJson.Default.IReadOnlyListShownProfile));
            return ExitCodes.Done;
        }
        var listing = new Listing("profile", "issuer", "client id", "state", "subject", "token until", "renewable", "bound", "kept with", "active");
        foreach (var profile in shown)
        {
            listing.Add(
                profile.Profile,
                profile.Issuer,
                profile.ClientId,
                profile.State.Replace('_', ' '),
                profile.Sub ?? "",
                profile.ExpiresAt is { } end ? TimeText.Of(end) : "",
                YesOrNo(profile.Renewable),
                YesOrNo(profile.Bound),
                profile.Backend?.Replace('_', ' ') ?? "",
                profile.Active ? "yes" : "");
        }
        listing.WriteTo(invocation.Terminal);
        return ExitCodes.Done;
    }

    // Only what is locked can be unlocked.
    private static string StateOf(TokenStoreState problem) => problem switch
    {
        TokenStoreState.Missing => "key_missing",
        TokenStoreState.WrongKey => "wrong_key",
        TokenStoreState.Denied => "denied",
        TokenStoreState.Damaged => "damaged",
        TokenStoreState.Exposed => "exposed",
        TokenStoreState.OtherBackend => "other_backend",
        _ => "locked",
    };

    private static string YesOrNo(bool? what) => what switch { true => "yes", false => "no", null => "" };

    // One damaged file must not hide the others, and a keychain that is locked is not waited for again and again.
    private static async Task<ShownProfile> ShownAsync(Invocation invocation, Profiles profiles, string name, bool isLocked, Action onLocked)
    {
        if (profiles.FindReadable(name) is not { } profile) return new ShownProfile(name, "", "", "", "damaged", null, null, null, null, null, name == profiles.Active);
        ShownProfile Shown(string state, string? backend = null, SessionSummary? session = null) =>
            new(name, profile.Issuer, profile.ClientId, profile.Scope, state, session?.Subject, session?.ExpiresAt, session?.CanRefresh, session?.IsBound, backend, name == profiles.Active);
        if (!profiles.HasSession(name)) return Shown("signed_out");
        var (folder, isKeychain, backend) = (profiles.FolderOf(name), false, (string?)null);
        try
        {
            // What is there is shown, and not what a next sign-in would make: PROOFKEY_STORE has no say here.
            backend = ChosenStore.BackendOf(name, folder);
            var chosen = ChosenStore.Holding(invocation.Settings, profile, folder);
            isKeychain = chosen.Kind == ChosenStore.Keychain;
            if ((isKeychain && isLocked) || Opened(chosen, folder) is not { } store) return Shown("locked", backend);
            var session = (await store.ListAsync(invocation.Cancellation)).FirstOrDefault(session => session.Profile == name);
            return session is null ? Shown("signed_out") : Shown("signed_in", backend, session);
        }
        catch (TokenStoreException problem)
        {
            if (isKeychain && problem.State == TokenStoreState.Locked) onLocked();
            return Shown(StateOf(problem.State), backend);
        }
    }

    // What is wrong with a passphrase is not wrong with the session.
    private static TokenStore? Opened(ChosenStore chosen, string folder)
    {
        try
        {
            return chosen.OpenSilently(folder);
        }
        catch (CommandException)
        {
            return null;
        }
    }
}
