using System.Text.Json.Serialization;

namespace ProofKey.Cli.Output;

/// <summary>What <c>client add --json</c> prints. A public client never has a secret; a confidential one's is shown this once.</summary>
internal sealed record AddedClient(string ClientId, string Name, IReadOnlyList<string> RedirectUris, string? ClientSecret);

/// <summary>What <c>client list --json</c> and <c>client show --json</c> print of a client.</summary>
internal sealed record ShownClient(
    string ClientId,
    string Name,
    bool Public,
    IReadOnlyList<string> RedirectUris,
    IReadOnlyList<string> PostLogoutRedirectUris,
    IReadOnlyList<string> Origins,
    string Scope,
    string? Audience,
    IReadOnlyList<string> ResponseModes,
    bool FirstParty,
    bool Strict,
    DateTimeOffset CreatedAt);

/// <summary>What <c>user add --json</c> and <c>user list --json</c> print of a person.</summary>
internal sealed record ShownUser(string Sub, string Name, string? Email, bool Admin, DateTimeOffset CreatedAt);

/// <summary>The JSON that the program prints, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AddedClient))]
[JsonSerializable(typeof(ShownClient))]
[JsonSerializable(typeof(IReadOnlyList<ShownClient>))]
[JsonSerializable(typeof(ShownUser))]
[JsonSerializable(typeof(IReadOnlyList<ShownUser>))]
internal sealed partial class CliJson : JsonSerializerContext;
