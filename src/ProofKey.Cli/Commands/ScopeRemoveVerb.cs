using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey scope remove</c>: takes the words for a scope away.</summary>
internal sealed class ScopeRemoveVerb : Verb
{
    private readonly Argument<string> _name = new("SCOPE") { Description = "The scope." };

    public ScopeRemoveVerb()
        : base("remove", "Take the words for a scope away; people then read its name.", "proofkey scope remove orders.read")
    {
        Add(_name);
        AddPlace();
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var name = invocation.Argument(_name);
        await using var administration = await invocation.AdministerAsync();
        if (!await administration.Registry.RemoveScopeAsync(name))
            throw new CommandException(ExitCodes.Failed, $"There are no words for a scope {name} in this data folder.", "See the scopes with: proofkey scope list");
        invocation.Terminal.Say($"Removed the words for {PlainText.Of(name)}.");
        return ExitCodes.Done;
    }
}
