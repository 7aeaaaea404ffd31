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
        foreach (var name in profiles.Names()) shown.Add(await ShownAsync(invocation, profiles, name, mayWait: shown.All(profile => profile.State != "locked")));
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

    // One damaged file must not hide the others, and a locked keychain is not waited for again and again.
    private static async Task<ShownProfile> ShownAsync(Invocation invocation, Profiles profiles, string name, bool mayWait)
    {
        try
        {
            var profile = profiles.Get(name);
            ShownProfile Shown(string state, string? subject = null) => new(name, profile.Issuer, profile.ClientId, profile.Scope, state, subject, name == profiles.Active);
            if (!profiles.HasSession(name)) return Shown("signed_out");
            if (!mayWait || ChosenStore.Of(invocation.Settings, profile).OpenSilently(profiles.FolderOf(name)) is not { } store) return Shown("locked");
            try
            {
                var session = (await store.ListAsync(invocation.Cancellation)).FirstOrDefault(session => session.Profile == name);
                return Shown(session is null ? "signed_out" : "signed_in", session?.Subject);
            }
            catch (TokenStoreException problem) when (problem.State is not (TokenStoreState.Damaged or TokenStoreState.Exposed))
            {
                return Shown("locked");
            }
        }
        catch (Exception damaged) when (damaged is CommandException or TokenStoreException)
        {
            return new ShownProfile(name, "", "", "", "damaged", null, name == profiles.Active);
        }
    }
}
