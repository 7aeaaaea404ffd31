using System.CommandLine;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey switch</c>: says which profile is meant where none is named.</summary>
internal sealed class SwitchVerb : Verb
{
    private readonly Argument<string> _profile = new("PROFILE") { Description = "A profile that has signed in here." };

    public SwitchVerb()
        : base("switch", "Choose the profile that is meant where none is named.", "proofkey switch work", "proofkey switch default") => Add(_profile);

    protected override Task<int> RunAsync(Invocation invocation)
    {
        var profiles = Profiles.Of(invocation.Settings);
        var profile = profiles.Get(Profiles.Checked(invocation.Argument(_profile)));
        profiles.Activate(profile.Name);
        invocation.Terminal.Say($"Profile {profile.Name} is meant from now on: {profile.ClientId} at {profile.Issuer}.");
        // Both go before what is remembered.
        if (invocation.Settings.Text(CommonOptions.Profile) is { } named && named != profile.Name) invocation.Terminal.Say($"But PROOFKEY_PROFILE or the configuration file says {named}, which goes before it.");
        return Task.FromResult(ExitCodes.Done);
    }
}
