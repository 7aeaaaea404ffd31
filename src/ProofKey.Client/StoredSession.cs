using System.Text.Json;
using System.Text.Json.Serialization;

namespace ProofKey.Client;

/// <summary>
/// A session as the file keeps it. Issuer, client, asked scope and resource are kept with the tokens, so that no token is ever handed out
/// for other parameters than its own.
/// </summary>
internal sealed record StoredSession
{
    /// <summary>Names this sign-in, so that a session object never turns into somebody else's; not a secret.</summary>
    public required string Id { get; init; }

    public required string Profile { get; init; }

    public required string Issuer { get; init; }

    public required string ClientId { get; init; }

    public required string AskedScope { get; init; }

    public string? Resource { get; init; }

    public required string GrantedScope { get; init; }

    public JsonElement? Claims { get; init; }

    public required string AccessToken { get; init; }

    public required DateTimeOffset ObtainedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public string? RefreshToken { get; init; }

    [JsonIgnore]
    public string? Subject => Claims is { } claims && claims.TryGetProperty("sub", out var subject) && subject.ValueKind == JsonValueKind.String ? subject.GetString() : null;

    /// <summary>Whether every member can be used as what it should be.</summary>
    [JsonIgnore]
    public bool IsUsable =>
        ProofKey.Issuer.TryParse(Issuer, out _, out _)
        && Scope.TryParse(AskedScope, out _)
        && Scope.TryParse(GrantedScope, out _)
        && Claims is null or { ValueKind: JsonValueKind.Object };

    /// <summary>Whether this is what the options ask for.</summary>
    public bool IsFor(ClientOptions options) =>
        Profile == options.Profile
        && Issuer == options.Issuer.Value
        && ClientId == options.ClientId
        && Resource == options.Resource
        && Scope.TryParse(AskedScope, out var asked)
        && asked.IsSubsetOf(options.Scope)
        && options.Scope.IsSubsetOf(asked);

    /// <summary>
    /// Whether the access token lasts that long. More than nine tenths of its whole life cannot be had, so no more is asked for: else
    /// every call would refresh.
    /// </summary>
    public bool Lasts(TimeSpan minValid, DateTimeOffset now)
    {
        var most = 0.9 * (ExpiresAt - ObtainedAt);
        return now + (minValid < most ? minValid : most) < ExpiresAt;
    }

    /// <summary>The same session with the tokens of a refresh.</summary>
    public StoredSession With(Tokens tokens, DateTimeOffset now) => this with
    {
        AccessToken = tokens.AccessToken,
        ObtainedAt = now,
        ExpiresAt = tokens.ExpiresAt,
        // RFC 6749 section 6: no new refresh token means that the old one goes on
        RefreshToken = tokens.RefreshToken ?? RefreshToken,
        GrantedScope = tokens.Scope?.ToString() ?? GrantedScope,
    };

    public override string ToString() => $"{ClientId} at {Issuer}";
}

/// <summary>The whole file.</summary>
internal sealed record StoredSessions
{
    public const int CurrentVersion = 1;

    public required int Version { get; init; }

    public required IReadOnlyList<StoredSession> Sessions { get; init; }
}

/// <summary>The JSON of the file.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    WriteIndented = true,
    MaxDepth = 32)]
[JsonSerializable(typeof(StoredSessions))]
internal sealed partial class StoreJson : JsonSerializerContext;
