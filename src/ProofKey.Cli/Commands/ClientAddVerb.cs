using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Server;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey client add</c>: registers a client.</summary>
internal sealed class ClientAddVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name that people are shown." };
    private readonly Option<bool> _public = new("--public") { Description = "It cannot keep a secret: an app on a desktop or phone, a command, a page." };
    private readonly Option<bool> _confidential = new("--confidential") { Description = "It runs on a server of yours and can prove itself, by a secret, shown once, or by its keys." };
    private readonly RegistrationOptions _options = new();

    public ClientAddVerb()
        : base(
            "add",
            "Register a client, and print its id.",
            "proofkey client add \"My app\" --public --redirect-uri http://127.0.0.1/callback",
            "proofkey client add \"My page\" --public --redirect-uri https://app.example.com/callback --origin https://app.example.com",
            "proofkey client add \"My site\" --confidential --redirect-uri https://www.example.com/callback --json",
            "proofkey client add \"My television app\" --public --device",
            "proofkey client add \"Nightly job\" --confidential --client-credentials --scope orders.read --audience https://orders.example.com/",
            "proofkey client add \"Orders API\" --confidential --introspects https://orders.example.com/")
    {
        Add(_name);
        foreach (var option in (IEnumerable<Option>)[_public, _confidential, .. _options.All, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var registration = _options.Apply(new ClientRegistration { Name = invocation.Argument(_name), IsPublic = IsPublic(invocation) }, invocation.Settings);
        await using var administration = await invocation.AdministerAsync(mayMake: true);
        Print(await administration.Registry.AddClientAsync(registration), invocation);
        return ExitCodes.Done;
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
            terminal.Write(CliJson.Text(new AddedClient(client.Id, client.Name, [.. client.RedirectUris.Select(uri => uri.Value)], added.Secret), CliJson.Default.AddedClient));
            return;
        }
        terminal.Say($"Registered {PlainText.Of(client.Name)}. Its client id:");
        terminal.Write(client.Id);
        PrintSecret(added, terminal);
    }

    /// <summary>Shows a secret that was just made, this once.</summary>
    public static void PrintSecret(NewClient made, Terminal terminal)
    {
        if (made.Secret is null) return;
        terminal.Say("Its client secret, which nobody can read again:");
        terminal.Write(made.Secret);
    }
}
