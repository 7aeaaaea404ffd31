using System.CommandLine;
using ProofKey.Cli.Hosting;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey resource add</c>: registers an API that access tokens can be for.</summary>
internal sealed class ResourceAddVerb : Verb
{
    private readonly Argument<string> _address = new("URL") { Description = "The API's address, which is the aud of its tokens to the character." };
    private readonly Option<string> _scope = new("--scope") { HelpName = "SCOPE", Description = "The scopes that belong to it, with spaces between." };
    private readonly Option<string> _name = new("--name") { HelpName = "NAME", Description = "What people call it. Without it: its address." };

    public ResourceAddVerb()
        : base("add", "Register an API.", "proofkey resource add https://orders.example.com/ --scope \"orders.read orders.write\" --name Orders")
    {
        Add(_address);
        foreach (var option in (Option[])[_scope, _name, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public static ShownResource Shown(RegisteredResource resource) => new(resource.Address, resource.Name, resource.Scope.ToString(), resource.CreatedAt);

    public static CommandException Unknown(string address) =>
        new(ExitCodes.Failed, $"There is no API {address} in this data folder.", "See the addresses with: proofkey resource list");

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var (scope, name) = (invocation.Settings.Required(_scope), invocation.Settings.Text(_name));
        await using var administration = await invocation.AdministerAsync(mayMake: true);
        var resource = await administration.Registry.AddResourceAsync(invocation.Argument(_address), scope, name);
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(Shown(resource), CliJson.Default.ShownResource));
        else invocation.Terminal.Say($"Registered {PlainText.Of(resource.Address)} with {resource.Scope}.");
        await NameAffectedAsync(invocation, administration, resource);
        return ExitCodes.Done;
    }

    /// <summary>Names the clients that asked for these scopes without naming the API, as they cannot any more.</summary>
    public static async Task NameAffectedAsync(Invocation invocation, Administration administration, RegisteredResource resource)
    {
        var registered = await administration.Registry.ListResourcesAsync(invocation.Cancellation);
        foreach (var client in await administration.Registry.ListClientsAsync(invocation.Cancellation))
        {
            // What its default API knows too, it gets as before.
            var atHome = registered.FirstOrDefault(other => other.Address == client.Audience)?.Scope ?? Scope.None;
            var lost = client.Scope.Intersect(resource.Scope).Except(atHome);
            if (!lost.IsEmpty) invocation.Terminal.Say($"{PlainText.Of(client.Name)} ({client.Id}) gets {lost} only with resource={PlainText.Of(resource.Address)}: its default API is another one.");
        }
    }
}
