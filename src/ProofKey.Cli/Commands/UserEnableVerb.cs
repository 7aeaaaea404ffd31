using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey user enable</c>: lets a disabled person in again.</summary>
internal sealed class UserEnableVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name to sign in with." };

    public UserEnableVerb()
        : base("enable", "Let a disabled person sign in again; what ended stays ended.", "proofkey user enable alice")
    {
        Add(_name);
        foreach (var option in (Option[])[.. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var account = await UserShowVerb.FindAsync(administration, invocation.Argument(_name), invocation.Cancellation);
        var name = PlainText.Of(account.Name);
        var sentence = await administration.People.EnableAsync(account) ? $"Enabled {name}, who has to sign in again." : $"{name} was not disabled; nothing changed.";
        UserShowVerb.Report(invocation, await UserShowVerb.FindAsync(administration, account.Name, invocation.Cancellation), sentence);
        return ExitCodes.Done;
    }
}
