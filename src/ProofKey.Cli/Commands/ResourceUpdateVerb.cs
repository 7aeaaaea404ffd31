using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey resource update</c>: changes the scopes or the name of an API.</summary>
internal sealed class ResourceUpdateVerb : Verb
{
    private readonly Argument<string> _address = new("URL") { Description = "The API's address." };
    private readonly Option<string> _scope = new("--scope") { HelpName = "SCOPE", Description = "All its scopes from now on, with spaces between." };
    private readonly Option<string> _name = new("--name") { HelpName = "NAME", Description = "Its name from now on." };

    public ResourceUpdateVerb()
        : base("update", "Change an API's scopes or name; what was granted stays as it is.", "proofkey resource update https://orders.example.com/ --scope \"orders.read orders.write orders.cancel\"")
    {
        Add(_address);
        foreach (var option in (Option[])[_scope, _name, .. CommonOptions.Place]) Add(option);
    }

    public override IReadOnlyList<Option> TypedAlone => [_scope, _name];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var address = invocation.Argument(_address);
        var (scope, name) = (invocation.Settings.Text(_scope), invocation.Settings.Text(_name));
        if (scope is null && name is null) throw CommandException.Usage("Nothing is to be changed.", "Give --scope or --name.");
        await using var administration = await invocation.AdministerAsync();
        var resource = await administration.Registry.UpdateResourceAsync(address, scope, name, invocation.Cancellation) ?? throw ResourceAddVerb.Unknown(address);
        invocation.Terminal.Say($"Changed {PlainText.Of(resource.Address)}: {PlainText.Of(resource.Name)}, with {resource.Scope}.");
        await ResourceAddVerb.NameAffectedAsync(invocation, administration, resource);
        return ExitCodes.Done;
    }
}
