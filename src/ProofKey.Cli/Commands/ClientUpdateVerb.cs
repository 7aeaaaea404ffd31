using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey client update</c>: says anew what was said of a client, or gives it another secret.</summary>
internal sealed class ClientUpdateVerb : Verb
{
    private readonly Argument<string> _id = new("CLIENT_ID") { Description = "The client's id." };
    private readonly Option<string> _name = new("--name") { HelpName = "NAME", Description = "The name that people are shown." };
    private readonly Option<bool> _newSecret = new("--new-secret") { Description = "Give it another secret, shown once; the old one is worth nothing at once." };
    private readonly RegistrationOptions _options = new();

    public ClientUpdateVerb()
        : base(
            "update",
            "Change a client. What the command line gives takes the place of what was; none takes it away.",
            "proofkey client update CLIENT_ID --redirect-uri https://app.example.com/callback --redirect-uri http://127.0.0.1/callback",
            "proofkey client update CLIENT_ID --audience none --first-party false",
            "proofkey client update CLIENT_ID --new-secret")
    {
        Add(_id);
        foreach (var option in (IEnumerable<Option>)[_name, _newSecret, .. _options.All, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public override IReadOnlyList<Option> TypedAlone => [_name, _newSecret, .. _options.All];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var (id, settings) = (invocation.Argument(_id), invocation.Settings);
        var (name, newSecret) = (settings.Text(_name), settings.Flag(_newSecret));
        await using var administration = await invocation.AdministerAsync();
        var changed = await administration.Registry.UpdateClientAsync(
            id, registration => _options.Apply(name is null ? registration : registration with { Name = name }, settings), newSecret, invocation.Cancellation) ?? throw ClientShowVerb.Unknown(id);
        if (settings.Flag(CommonOptions.Json))
        {
            var shown = changed.Client;
            invocation.Terminal.Write(CliJson.Text(new AddedClient(shown.Id, shown.Name, [.. shown.RedirectUris.Select(uri => uri.Value)], changed.Secret), CliJson.Default.AddedClient));
            return ExitCodes.Done;
        }
        invocation.Terminal.Say($"Changed {PlainText.Of(changed.Client.Name)}.");
        ClientAddVerb.PrintSecret(changed, invocation.Terminal);
        return ExitCodes.Done;
    }
}
