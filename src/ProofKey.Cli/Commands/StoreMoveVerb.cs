using System.CommandLine;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey store move</c>: keeps a session in another way. Nothing else changes how it is kept.</summary>
internal sealed class StoreMoveVerb : Verb
{
    private readonly Option<string> _to = new("--to") { HelpName = "keychain|file", Description = "How the session is kept from now on." };
    private readonly Option<string> _toKeyFile = new("--to-key-file") { HelpName = "FILE", Description = "The new key: a file of 32 random bytes for its owner alone." };
    private readonly Option<string> _toPassphraseFile = new("--to-passphrase-file") { HelpName = "FILE", Description = "The new passphrase: the first line of a file. Without either it is asked for." };

    public StoreMoveVerb()
        : base(
            "move",
            "Keep a session with another key: that of the keychain, or one of your own.",
            "proofkey store move --to file --to-key-file ~/proofkey.key",
            "proofkey store move --to keychain -p work")
    {
        foreach (var option in new Option[] { _to, _toKeyFile, _toPassphraseFile, CommonOptions.Profile, CommonOptions.KeyFile, CommonOptions.PassphraseFile, CommonOptions.NoInput }) Add(option);
    }

    // A variable that is there for every day says how it is kept now, and not where it is to go.
    public override IReadOnlyList<Option> TypedAlone => [_to, _toKeyFile, _toPassphraseFile];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var profiles = Profiles.Of(invocation.Settings);
        var profile = profiles.Get(invocation.ProfileName);
        var typed = invocation.Settings;
        var to = ChosenStore.Target(typed.Required(_to), typed.Text(_toKeyFile), typed.Text(_toPassphraseFile));
        var (folder, mayAsk) = (profiles.FolderOf(profile.Name), !invocation.Settings.Flag(CommonOptions.NoInput));
        var (target, changed) = (to.OpenSilently(folder), profile.KeptIn(to));
        if (!profiles.HasSession(profile.Name))
        {
            profiles.Remember(changed);
            invocation.Terminal.Say($"Profile {profile.Name} has no session; the next sign-in is kept that way.");
            return ExitCodes.Done;
        }
        var moved = target is not null && await HoldsAsync(target, profile.Name, invocation.Cancellation);
        if (moved && changed == profile)
        {
            invocation.Terminal.Say($"The session of profile {profile.Name} is kept that way already; nothing was changed.{(to is { Kind: ChosenStore.Keychain } or { KeyFile: not null } ? "" : " For another passphrase, name its file with --to-passphrase-file.")}");
            return ExitCodes.Done;
        }
        if (!moved)
        {
            // As the file says itself: the profile may be behind it.
            var from = await ChosenStore.Holding(invocation.Settings, profile, folder).OpenAsync(folder, invocation.Terminal, isNew: false, mayAsk, invocation.Cancellation);
            target ??= await to.OpenAsync(folder, invocation.Terminal, isNew: true, mayAsk, invocation.Cancellation);
            moved = await HoldsAsync(target, profile.Name, invocation.Cancellation) || await from.MoveAsync(profile.Name, target, invocation.Cancellation);
        }
        profiles.Remember(changed);
        invocation.Terminal.Say(moved ? $"The session of profile {profile.Name} is kept with its new key." : $"Profile {profile.Name} has no session; the next sign-in is kept that way.");
        return ExitCodes.Done;
    }

    // A move that was cut off has changed the file, and what is left to do is to remember it.
    private static async Task<bool> HoldsAsync(TokenStore store, string profile, CancellationToken cancellation)
    {
        try
        {
            return (await store.ListAsync(cancellation)).Any(session => session.Profile == profile);
        }
        catch (TokenStoreException)
        {
            // What is the matter with it the move itself says.
            return false;
        }
    }
}
