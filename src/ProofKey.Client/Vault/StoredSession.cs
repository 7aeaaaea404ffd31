using System.Text.Json;
using System.Text.Json.Serialization;

namespace ProofKey.Client;

/// <summary>
/// A session as the vault keeps it. Issuer, client, asked scope and resource are kept with the tokens, so that no token is ever handed out
/// for other parameters than its own.
/// </summary>
internal sealed record StoredSession
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

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

    /// <summary>Set while a refresh is under way, and left behind where its outcome never became known.</summary>
    public RenewalMark? Renewing { get; init; }

    /// <summary>What a newer version of this library wrote; it is kept as it is.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? More { get; set; }

    [JsonIgnore]
    public string? Subject => Claims is { } claims && claims.TryGetProperty("sub", out var subject) && subject.ValueKind == JsonValueKind.String ? subject.GetString() : null;

    [JsonIgnore]
    public SessionSummary Summary => new(Profile, ProofKey.Issuer.Parse(Issuer), ClientId, Scope.Parse(AskedScope), Resource, Subject, ExpiresAt, RefreshToken is not null);

    /// <summary>Whether every member can be used as what it should be.</summary>
    [JsonIgnore]
    public bool IsUsable =>
        ProofKey.Issuer.TryParse(Issuer, out _, out _)
        && Scope.TryParse(AskedScope, out _)
        && Scope.TryParseGranted(GrantedScope, out _)
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
        return !IsFromTheFuture(now) && now + (minValid < most ? minValid : most) < ExpiresAt;
    }

    /// <summary>Whether so much of the access token's life is over.</summary>
    /// <param name="part">How much, from 0 to 1.</param>
    /// <param name="now">The time.</param>
    public bool IsPast(double part, DateTimeOffset now) => IsFromTheFuture(now) || now >= ObtainedAt + (part * (ExpiresAt - ObtainedAt));

    /// <summary>Whether the access token came less than half a minute ago.</summary>
    public bool IsNew(DateTimeOffset now) => now - ObtainedAt < TimeSpan.FromSeconds(30) && !IsFromTheFuture(now);

    // The clock was set back since: when the token ends can no longer be told by it.
    private bool IsFromTheFuture(DateTimeOffset now) => now < ObtainedAt - ClockSkew;

    /// <summary>Whether the outcome of a refresh with the current token never became known.</summary>
    [JsonIgnore]
    public bool WasInterrupted => RefreshToken is { } token && Renewing?.Token == RenewalMark.DigestOf(token);

    /// <summary>The same session with the tokens of a refresh.</summary>
    public StoredSession With(Tokens tokens, DateTimeOffset now) => this with
    {
        AccessToken = tokens.AccessToken,
        ObtainedAt = now,
        ExpiresAt = tokens.ExpiresAt,
        // RFC 6749 section 6: no new refresh token means that the old one goes on
        RefreshToken = tokens.RefreshToken ?? RefreshToken,
        GrantedScope = tokens.Scope?.ToString() ?? GrantedScope,
        Renewing = null,
    };

    public override string ToString() => $"{ClientId} at {Issuer}";
}

/// <summary>
/// Written before a refresh token is sent and taken away with its successor. A process that dies in between, or an answer that is lost, leaves
/// it, and it explains what the server says next.
/// </summary>
/// <param name="Token">The digest of the refresh token that was sent.</param>
/// <param name="At">When.</param>
internal sealed record RenewalMark(string Token, DateTimeOffset At)
{
    public static RenewalMark Of(string refreshToken, DateTimeOffset now) => new(DigestOf(refreshToken), now);

    public static string DigestOf(string refreshToken) => Base64UrlText.Encode(Secret.Digest(refreshToken));
}

/// <summary>What is encrypted in a vault.</summary>
internal sealed record VaultContent
{
    public const int CurrentVersion = 1;

    public required int Version { get; init; }

    public StoredSession? Session { get; init; }
}

/// <summary>The JSON of the content.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    // The claims of an ID token may be as deep as Jwt reads them, and lie two levels down.
    MaxDepth = 40)]
[JsonSerializable(typeof(VaultContent))]
internal sealed partial class StoreJson : JsonSerializerContext;
