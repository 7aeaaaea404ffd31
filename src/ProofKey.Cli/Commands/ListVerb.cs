using System.Text.Json;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey list</c>: the profiles of this person. No server is asked.</summary>
internal sealed class ListVerb : Verb
{
    public ListVerb()
        : base("list", "List the profiles that have signed in here.", "proofkey list", "proofkey list --json") => Add(CommonOptions.Json);

    protected override Task<int> RunAsync(Invocation invocation)
    {
        var profiles = Profiles.Of(invocation.Settings);
        var shown = profiles.Names().Select(name => Shown(profiles, name)).ToList();
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(JsonSerializer.Serialize(shown, CliJson.Default.IReadOnlyListShownProfile));
            return Task.FromResult(ExitCodes.Done);
        }
        var listing = new Listing("profile", "issuer", "client id", "state", "subject");
        foreach (var profile in shown) listing.Add(profile.Profile, profile.Issuer, profile.ClientId, profile.State.Replace('_', ' '), profile.Sub ?? "");
        listing.WriteTo(invocation.Terminal);
        return Task.FromResult(ExitCodes.Done);
    }

    // One damaged file must not hide the others.
    private static ShownProfile Shown(Profiles profiles, string name)
    {
        try
        {
            var profile = profiles.Get(name);
            using var store = new SessionStore(profiles.SessionFileOf(name));
            var session = store.List().FirstOrDefault(session => session.Profile == name);
            return new ShownProfile(name, profile.Issuer, profile.ClientId, profile.Scope, session is null ? "signed_out" : "signed_in", session?.Subject);
        }
        catch (Exception damaged) when (damaged is CommandException or TokenStoreException)
        {
            return new ShownProfile(name, "", "", "", "damaged", null);
        }
    }
}
