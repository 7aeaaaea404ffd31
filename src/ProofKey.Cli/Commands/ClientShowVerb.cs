using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey client show</c>: everything about one client; a secret is never among it.</summary>
internal sealed class ClientShowVerb : Verb
{
    // RFC 8628 section 3.4
    private const string DeviceGrantType = "urn:ietf:params:oauth:grant-type:device_code";

    private readonly Argument<string> _id = new("CLIENT_ID") { Description = "The client's id." };

    public ClientShowVerb()
        : base("show", "Show a client.", "proofkey client show CLIENT_ID", "proofkey client show CLIENT_ID --json")
    {
        Add(_id);
        AddPlace();
        Add(CommonOptions.Json);
    }

    public static ShownClient Shown(RegisteredClient client) => new(
        client.Id,
        client.Name,
        client.IsPublic,
        [.. client.RedirectUris.Select(uri => uri.Value)],
        client.PostLogoutRedirectUris,
        client.BackchannelLogoutUri,
        client.Origins,
        client.Scope.ToString(),
        client.Audience,
        client.ResponseModes,
        client.IsFirstParty,
        client.GrantTypes.Contains(DeviceGrantType),
        client.IsStrict,
        client.RequiresPushedRequests,
        client.RequiresDpop,
        client.GrantTypes,
        client.Jwks is not null,
        client.JwksUri,
        client.Introspects,
        client.CreatedAt);

    public static CommandException Unknown(string id) =>
        new(ExitCodes.Failed, $"There is no client {id} in this data folder.", "See the ids with: proofkey client list");

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var id = invocation.Argument(_id);
        await using var administration = await invocation.AdministerAsync();
        var client = Shown(await administration.Registry.FindClientAsync(id, invocation.Cancellation) ?? throw Unknown(id));
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(client, CliJson.Default.ShownClient));
        else Print(client, invocation.Terminal);
        return ExitCodes.Done;
    }

    private static void Print(ShownClient client, Terminal terminal)
    {
        (string Label, string Value)[] lines =
        [
            ("client id", client.ClientId),
            ("name", client.Name),
            ("kind", client.Public ? "public" : "confidential"),
            ("redirect URIs", string.Join(' ', client.RedirectUris)),
            ("after sign-out", string.Join(' ', client.PostLogoutRedirectUris)),
            ("back-channel", client.BackchannelLogoutUri ?? ""),
            ("origins", string.Join(' ', client.Origins)),
            ("scope", client.Scope),
            ("audience", client.Audience ?? "the server itself"),
            ("response modes", string.Join(' ', client.ResponseModes)),
            ("first party", client.FirstParty ? "yes, not asked for consent" : "no"),
            ("devices", client.Device ? "yes" : "no"),
            ("strict", client.Strict ? "yes" : "no"),
            ("pushed requests", client.RequirePar ? "required" : "accepted"),
            ("DPoP", client.Dpop ? "required: every token is bound to a key" : "when it sends a proof"),
            ("grant types", string.Join(' ', client.GrantTypes)),
            ("keys", client.JwksUri ?? (client.Jwks ? "registered" : "")),
            ("introspects", client.Introspects ?? (client.Public ? "" : "its own tokens")),
            ("registered", TimeText.Of(client.CreatedAt)),
        ];
        foreach (var (label, value) in lines) terminal.Write($"{label,-16}{PlainText.Of(value.Length == 0 ? "none" : value)}");
    }
}
