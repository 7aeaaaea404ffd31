using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey client remove</c>: removes a client with its grants.</summary>
internal sealed class ClientRemoveVerb : Verb
{
    private readonly Argument<string> _id = new("CLIENT_ID") { Description = "The client's id." };

    public ClientRemoveVerb()
        : base("remove", "Remove a client; its codes and grants are dead at once, access tokens at APIs live on, 10 minutes at most.", "proofkey client remove CLIENT_ID")
    {
        Add(_id);
        AddPlace();
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var id = invocation.Argument(_id);
        await using var administration = await invocation.AdministerAsync();
        if (!await administration.Registry.RemoveClientAsync(id)) throw ClientShowVerb.Unknown(id);
        invocation.Terminal.Say($"Removed client {PlainText.Of(id)}.");
        return ExitCodes.Done;
    }
}
