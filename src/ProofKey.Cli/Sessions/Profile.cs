using System.Text.Json.Serialization;
using ProofKey.Cli.Output;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>What a sign-in is for: everything but its secrets, so that a later command needs nothing but the name.</summary>
internal sealed record Profile
{
    public const string DefaultName = "default";

    /// <summary>Asks who the person is, and to stay signed in.</summary>
    public const string DefaultScope = "openid profile email offline_access";

    public required string Name { get; init; }

    public required string Issuer { get; init; }

    public required string ClientId { get; init; }

    public required string Scope { get; init; }

    /// <summary>The ports that are registered, for a server that compares them; any port without.</summary>
    public IReadOnlyList<int>? Ports { get; init; }

    /// <summary>The path of the redirect URI, if it is not <c>/callback</c>.</summary>
    public string? RedirectPath { get; init; }

    /// <summary>Where the answers of this server come in, if they do not name it: the next one that does not gets another place.</summary>
    public string? SilentAt { get; init; }

    /// <summary>Whether the redirect URI says <c>localhost</c>.</summary>
    public bool? Localhost { get; init; }

    /// <summary>How the answer travels, if that was said.</summary>
    public string? ResponseMode { get; init; }

    /// <summary>Whether somebody vouches for the server's PKCE.</summary>
    public bool? AcceptUnadvertisedPkce { get; init; }

    /// <summary>The APIs that it is for, the first of which the first token is for; the server decides without.</summary>
    public IReadOnlyList<string>? Resources { get; init; }

    /// <summary>Whether the tokens are bound to a key of the session.</summary>
    public bool? Dpop { get; init; }

    /// <summary>How the session is kept: <c>keychain</c>, <c>file</c> or <c>memory</c>.</summary>
    public string? Store { get; init; }

    /// <summary>Where the key of its file is, if it is in a file.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Where the passphrase of its file is, if it is in a file.</summary>
    public string? PassphraseFile { get; init; }

    /// <summary>Whether it is the one that is meant where none is named, here and in another terminal.</summary>
    [JsonIgnore]
    public bool IsActive { get; init; }

    /// <summary>What makes a command mean it, with a space before; nothing where no name is needed.</summary>
    [JsonIgnore]
    public string Option => IsActive ? "" : $" -p {CommandText.Argument(Name)}";

    /// <summary>How to sign in to it again.</summary>
    [JsonIgnore]
    public string LoginCommand => $"proofkey login{Option}";

    /// <summary>The client that has or gets the session.</summary>
    /// <param name="store">Where the session is kept.</param>
    /// <param name="timeout">How long a person may take, if that was said; else as long as the library gives them.</param>
    /// <param name="onEvent">Told what happens.</param>
    /// <param name="silent">The servers of the profiles that do not name themselves.</param>
    public PublicClient CreateClient(TokenStore store, TimeSpan? timeout = null, Action<ClientEvent>? onEvent = null, IReadOnlyList<SilentServer>? silent = null)
    {
        var options = OptionsFor(store) with { OnEvent = onEvent, SilentServers = silent ?? [] };
        return new PublicClient(timeout is { } said ? options with { Timeout = said } : options);
    }

    /// <summary>Whether a client can be made of it, which its file may have lost at somebody's hands.</summary>
    [JsonIgnore]
    public bool IsUsable => ProofKey.Issuer.TryParse(Issuer, out _, out _) && ProofKey.Scope.TryParse(Scope, out _) && KeyFile is not "" && PassphraseFile is not "" && !OptionsFor(TokenStore.InMemory).Problems().Any();

    private ClientOptions OptionsFor(TokenStore store) => new()
    {
        Issuer = ProofKey.Issuer.Parse(Issuer),
        ClientId = ClientId,
        Scope = ProofKey.Scope.Parse(Scope),
        Resource = Resources?.Count > 0 ? Resources[0] : null,
        FurtherResources = [.. (Resources ?? []).Skip(1)],
        Profile = Name,
        Store = store,
        Redirect = Redirect,
        ResponseMode = ResponseMode switch { "query" => ProofKey.Client.ResponseMode.Query, "form_post" => ProofKey.Client.ResponseMode.FormPost, _ => ProofKey.Client.ResponseMode.Automatic },
        AcceptUnadvertisedPkce = AcceptUnadvertisedPkce == true,
        // This program hands tokens to others, which have no key: they are bound where that was asked for.
        Dpop = Dpop == true ? DpopUse.Always : DpopUse.Never,
    };

    private Redirect.Loopback Redirect
    {
        get
        {
            Redirect.Loopback redirect = Ports is { Count: > 0 } ? new Redirect.LoopbackPorts(Ports) : new Redirect.LoopbackAnyPort();
            return redirect with { Path = RedirectPath ?? redirect.Path, UseLocalhost = Localhost == true };
        }
    }

    /// <summary>The same profile, kept in another way.</summary>
    public Profile KeptIn(ChosenStore store) => this with { Store = store.Kind, KeyFile = store.KeyFile, PassphraseFile = store.PassphraseFile };
}

/// <summary>The JSON of a profile's file.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, WriteIndented = true)]
[JsonSerializable(typeof(Profile))]
internal sealed partial class ProfileJson : JsonSerializerContext;
