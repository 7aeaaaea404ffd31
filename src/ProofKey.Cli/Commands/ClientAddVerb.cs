using System.CommandLine;
using System.Text.Json;
using ProofKey.Cli.Output;
using ProofKey.Server;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey client add</c>: registers a client.</summary>
internal sealed class ClientAddVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name that people are shown." };
    private readonly Option<bool> _public = new("--public") { Description = "It cannot keep a secret: an app on a desktop or phone, a command, a page." };
    private readonly Option<bool> _confidential = new("--confidential") { Description = "It runs on a server of yours and gets a secret, shown once." };
    private readonly Option<string[]> _redirectUris = new("--redirect-uri") { HelpName = "URI", Description = "Where answers may go; may be repeated. On 127.0.0.1 and [::1] any port fits." };
    private readonly Option<string[]> _postLogoutRedirectUris = new("--post-logout-redirect-uri") { HelpName = "URI", Description = "Where a browser may go after signing out; may be repeated." };
    private readonly Option<string[]> _origins = new("--origin") { HelpName = "URL", Description = "The origin of a page that uses the client; may be repeated." };
    private readonly Option<string> _scope = new("--scope") { HelpName = "SCOPE", Description = "What it may ask for, with spaces between. Without it: openid profile email offline_access." };
    private readonly Option<string> _audience = new("--audience") { HelpName = "URL", Description = "The API that its access tokens are for." };
    private readonly Option<string[]> _responseModes = new("--response-mode") { HelpName = "query|form_post", Description = "How answers may travel; may be repeated, the default one first." };
    private readonly Option<string> _idTokenAlgorithm = new("--id-token-alg") { HelpName = "ES256|RS256|PS256", Description = "How its ID tokens are signed. Without it: ES256." };
    private readonly Option<bool> _firstParty = new("--first-party") { Description = "You vouch for it: people are not asked for consent." };
    private readonly Option<bool> _device = new("--device") { Description = "It runs on devices without a browser too: people enter a code elsewhere." };
    private readonly Option<bool> _strict = new("--strict") { Description = "Its token requests must repeat the redirect URI." };
    private readonly Option<bool> _requirePar = new("--require-par") { Description = "Its authorization requests must be pushed to /par first." };

    private readonly Option<bool> _dpop = new("--dpop") { Description = "Its tokens are bound to a key (DPoP): without a proof it gets none." };

    public ClientAddVerb()
        : base(
            "add",
            "Register a client, and print its id.",
            "proofkey client add \"My app\" --public --redirect-uri http://127.0.0.1/callback",
            "proofkey client add \"My page\" --public --redirect-uri https://app.example.com/callback --origin https://app.example.com",
            "proofkey client add \"My site\" --confidential --redirect-uri https://www.example.com/callback --json",
            "proofkey client add \"My television app\" --public --device")
    {
        Add(_name);
        foreach (var option in new Option[] { _public, _confidential, _redirectUris, _postLogoutRedirectUris, _origins, _scope, _audience, _responseModes, _idTokenAlgorithm, _firstParty, _device, _strict, _requirePar, _dpop, CommonOptions.Data, CommonOptions.Json }) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var registration = Registration(invocation);
        await using var administration = await invocation.AdministerAsync();
        Print(await administration.Registry.AddClientAsync(registration), invocation);
        return ExitCodes.Done;
    }

    private ClientRegistration Registration(Invocation invocation)
    {
        var settings = invocation.Settings;
        var registration = new ClientRegistration
        {
            Name = invocation.Argument(_name),
            IsPublic = IsPublic(invocation),
            RedirectUris = settings.Texts(_redirectUris),
            PostLogoutRedirectUris = settings.Texts(_postLogoutRedirectUris),
            Origins = settings.Texts(_origins),
            Audience = settings.Text(_audience),
            ResponseModes = settings.Texts(_responseModes),
            IdTokenAlgorithm = settings.Choice(_idTokenAlgorithm, "ES256", "RS256", "PS256"),
            IsFirstParty = settings.Flag(_firstParty),
            UsesDevices = settings.Flag(_device),
            IsStrict = settings.Flag(_strict),
            RequiresPushedRequests = settings.Flag(_requirePar),
            RequiresDpop = settings.Flag(_dpop),
        };
        return settings.Text(_scope) is { } scope ? registration with { Scope = scope } : registration;
    }

    private bool IsPublic(Invocation invocation) => (invocation.Settings.Flag(_public), invocation.Settings.Flag(_confidential)) switch
    {
        (true, false) => true,
        (false, true) => false,
        _ => throw CommandException.Usage("A client is either public or confidential.", "Give --public for a program in people's hands, --confidential for one on a server of yours."),
    };

    private static void Print(NewClient added, Invocation invocation)
    {
        var (client, terminal) = (added.Client, invocation.Terminal);
        if (invocation.Settings.Flag(CommonOptions.Json))
        {
            terminal.Write(JsonSerializer.Serialize(new AddedClient(client.Id, client.Name, [.. client.RedirectUris.Select(uri => uri.Value)], added.Secret), CliJson.Default.AddedClient));
            return;
        }
        terminal.Say($"Registered {PlainText.Of(client.Name)}. Its client id:");
        terminal.Write(client.Id);
        if (added.Secret is null) return;
        terminal.Say("Its client secret, which nobody can read again:");
        terminal.Write(added.Secret);
    }
}
