using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey resource remove</c>: removes an API.</summary>
internal sealed class ResourceRemoveVerb : Verb
{
    private readonly Argument<string> _address = new("URL") { Description = "The API's address." };

    public ResourceRemoveVerb()
        : base("remove", "Remove an API: nobody can ask for tokens for it any more.", "proofkey resource remove https://orders.example.com/")
    {
        Add(_address);
        AddPlace();
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var address = invocation.Argument(_address);
        await using var administration = await invocation.AdministerAsync();
        if (!await administration.Registry.RemoveResourceAsync(address)) throw ResourceAddVerb.Unknown(address);
        invocation.Terminal.Say($"Removed {PlainText.Of(address)}.");
        return ExitCodes.Done;
    }
}
