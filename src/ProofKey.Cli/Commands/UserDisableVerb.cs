using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey user disable</c>: keeps a person out.</summary>
internal sealed class UserDisableVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name to sign in with." };

    public UserDisableVerb()
        : base("disable", "Keep a person out; their sessions and grants are dead at once, access tokens at APIs live on, 10 minutes at most.", "proofkey user disable alice")
    {
        Add(_name);
        foreach (var option in (Option[])[.. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var account = await UserShowVerb.FindAsync(administration, invocation.Argument(_name), invocation.Cancellation);
        var name = PlainText.Of(account.Name);
        var sentence = await administration.People.DisableAsync(account)
            ? $"Disabled {name}; every session and grant is dead; access tokens at APIs live on, 10 minutes at most."
            : $"{name} was disabled before; nothing changed.";
        UserShowVerb.Report(invocation, await UserShowVerb.FindAsync(administration, account.Name, invocation.Cancellation), sentence);
        return ExitCodes.Done;
    }
}
