using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey user remove</c>: removes a person with their sessions and tokens.</summary>
internal sealed class UserRemoveVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name to sign in with." };

    public UserRemoveVerb()
        : base("remove", "Remove a person; their sessions and grants are dead at once, access tokens at APIs live on, 10 minutes at most.", "proofkey user remove alice")
    {
        Add(_name);
        AddPlace();
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var name = invocation.Argument(_name);
        await using var administration = await invocation.AdministerAsync();
        if (!await administration.Registry.RemoveAccountAsync(name, invocation.Cancellation))
            throw UserShowVerb.Unknown(name);
        invocation.Terminal.Say($"Removed {PlainText.Of(name)}.");
        return ExitCodes.Done;
    }
}
