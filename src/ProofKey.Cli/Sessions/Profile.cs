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

    /// <summary>How the session is kept: <c>keychain</c>, <c>file</c> or <c>memory</c>.</summary>
    public string? Store { get; init; }

    /// <summary>Where the key of its file is, if it is in a file.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Where the passphrase of its file is, if it is in a file.</summary>
    public string? PassphraseFile { get; init; }

    /// <summary>How to sign in to it again.</summary>
    [JsonIgnore]
    public string LoginCommand => Name == DefaultName ? "proofkey login" : $"proofkey login -p {CommandText.Argument(Name)}";

    /// <summary>The client that has or gets the session.</summary>
    /// <param name="store">Where the session is kept.</param>
    public PublicClient CreateClient(TokenStore store) => new(new ClientOptions
    {
        Issuer = ProofKey.Issuer.Parse(Issuer),
        ClientId = ClientId,
        Scope = ProofKey.Scope.Parse(Scope),
        Profile = Name,
        Store = store,
    });

    /// <summary>The same profile, kept in another way.</summary>
    public Profile KeptIn(ChosenStore store) => this with { Store = store.Kind, KeyFile = store.KeyFile, PassphraseFile = store.PassphraseFile };
}

/// <summary>The JSON of a profile's file.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, WriteIndented = true)]
[JsonSerializable(typeof(Profile))]
internal sealed partial class ProfileJson : JsonSerializerContext;
