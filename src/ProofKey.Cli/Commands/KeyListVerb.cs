using ProofKey.Cli.Output;
using ProofKey.Server;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey key list</c>: the server's keys; no secret is among it.</summary>
internal sealed class KeyListVerb : Verb
{
    public KeyListVerb()
        : base("list", "List the signing and sealing keys, without their secrets.", "proofkey key list", "proofkey key list --data ./data --json")
    {
        AddPlace();
        Add(CommonOptions.Json);
    }

    public static void Print(IReadOnlyList<ServerKey> keys, Invocation invocation)
    {
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            invocation.Terminal.Write(CliJson.Text([.. keys.Select(Shown)], CliJson.Default.IReadOnlyListShownKey));
            return;
        }
        var listing = new Listing("key id", "purpose", "algorithm", "state", "made", "in use from", "goes");
        foreach (var key in keys)
            listing.Add(key.Id, key.Purpose, key.Algorithm, StateOf(key), TimeText.Of(key.CreatedAt), TimeText.Of(key.NotBefore), key.RetireAfter is { } end ? TimeText.Of(end) : "");
        listing.WriteTo(invocation.Terminal);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        Print(await administration.Keys.ListAsync(invocation.Cancellation), invocation);
        return ExitCodes.Done;
    }

    private static ShownKey Shown(ServerKey key) => new(key.Id, key.Purpose, key.Algorithm, StateOf(key), key.CreatedAt, key.NotBefore, key.RetireAfter);

    private static string StateOf(ServerKey key) => key.State switch
    {
        KeyState.Next => "next",
        KeyState.Current => "current",
        _ => "retiring",
    };
}
