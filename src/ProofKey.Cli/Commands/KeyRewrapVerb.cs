using System.CommandLine;
using ProofKey.Cli.Hosting;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey key rewrap</c>: changes the root key. The keys that it wraps stay the same, so everything that they made stays good.</summary>
internal sealed class KeyRewrapVerb : Verb
{
    private readonly Option<string> _newRootKey = new("--new-root-key-file") { HelpName = "FILE", Description = "The new root key: 32 random bytes, as they are or in base64 or hexadecimal." };

    public KeyRewrapVerb()
        : base(
            "rewrap",
            "Change the root key, which wraps all other keys; they stay the same, and so does what they made.",
            "proofkey key rewrap --new-root-key-file new.key",
            "proofkey key rewrap --database \"Host=db;Username=proofkey;Database=proofkey\" --root-key-file root.key --new-root-key-file new.key")
    {
        Add(_newRootKey);
        AddPlace();
    }

    public override IReadOnlyList<Option> TypedAlone => [_newRootKey];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var path = invocation.Settings.Required(_newRootKey);
        var rootKey = RootKeyFile.Read(path, null, invocation.Terminal)!;
        var place = invocation.OpenData();
        await using (var administration = await Administration.OpenAsync(place, invocation.Cancellation))
        {
            if (place is DataFolder { KeepsRootKey: true } folder) await folder.ReplaceRootKeyAsync(rootKey, path, () => administration.Keys.RewrapAsync(rootKey, invocation.Cancellation));
            else await administration.Keys.RewrapAsync(rootKey, invocation.Cancellation);
        }
        invocation.Terminal.Say("The new root key wraps all keys now. Start every server of this database again with it: until then a running one keeps the keys that it has.");
        invocation.Terminal.Say("Keep the old root key as long as there are backups from before.");
        return ExitCodes.Done;
    }
}
