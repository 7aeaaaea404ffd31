using System.CommandLine;
using System.Text.Json;
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
            invocation.Terminal.Write(JsonSerializer.Serialize(shown, CliJson.Default.IReadOnlyListShownProfile));
            return ExitCodes.Done;
        }
        var listing = new Listing("profile", "issuer", "client id", "state", "subject", "active");
        foreach (var profile in shown) listing.Add(profile.Profile, profile.Issuer, profile.ClientId, profile.State.Replace('_', ' '), profile.Sub ?? "", profile.Active ? "yes" : "");
        listing.WriteTo(invocation.Terminal);
        return ExitCodes.Done;
    }

    // One damaged file must not hide the others, and a keychain that is locked is not waited for again and again.
    private static async Task<ShownProfile> ShownAsync(Invocation invocation, Profiles profiles, string name, bool isLocked, Action onLocked)
    {
        try
        {
            var profile = profiles.Get(name);
            ShownProfile Shown(string state, string? subject = null) => new(name, profile.Issuer, profile.ClientId, profile.Scope, state, subject, name == profiles.Active);
            if (!profiles.HasSession(name)) return Shown("signed_out");
            var isKeychain = false;
            try
            {
                // What is there is shown, and not what a next sign-in would make: PROOFKEY_STORE has no say here.
                var chosen = ChosenStore.Holding(invocation.Settings, profile, profiles.FolderOf(name));
                isKeychain = chosen.Kind == ChosenStore.Keychain;
                if ((isKeychain && isLocked) || chosen.OpenSilently(profiles.FolderOf(name)) is not { } store) return Shown("locked");
                var session = (await store.ListAsync(invocation.Cancellation)).FirstOrDefault(session => session.Profile == name);
                return Shown(session is null ? "signed_out" : "signed_in", session?.Subject);
            }
            catch (TokenStoreException problem) when (problem.State is not (TokenStoreState.Damaged or TokenStoreState.Exposed))
            {
                if (isKeychain && problem.State == TokenStoreState.Locked) onLocked();
                return Shown("locked");
            }
        }
        catch (Exception damaged) when (damaged is CommandException or TokenStoreException)
        {
            return new ShownProfile(name, "", "", "", "damaged", null, name == profiles.Active);
        }
    }
}
