using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey scope set</c>: says in words what a scope allows.</summary>
internal sealed class ScopeSetVerb : Verb
{
    private readonly Argument<string> _name = new("SCOPE") { Description = "The scope." };
    private readonly Argument<string> _words = new("WORDS") { Description = "What a client can do with it; people read it below \"It will be able to\"." };

    public ScopeSetVerb()
        : base("set", "Say in words what a scope allows; people read it when they are asked for it.", "proofkey scope set orders.read \"see your orders\"")
    {
        Add(_name);
        Add(_words);
        foreach (var option in (Option[])[.. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public static ShownScope Shown(ScopeDescription scope) => new(scope.Name, scope.Words);

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync(mayMake: true);
        var scope = await administration.Registry.DescribeScopeAsync(invocation.Argument(_name), invocation.Argument(_words));
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(Shown(scope), CliJson.Default.ShownScope));
        else invocation.Terminal.Say($"{scope.Name}: {PlainText.Of(scope.Words)}");
        return ExitCodes.Done;
    }
}
