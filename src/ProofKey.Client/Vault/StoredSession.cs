using System.Text.Json;
using System.Text.Json.Serialization;

namespace ProofKey.Client;

/// <summary>
/// A session as the vault keeps it. Issuer, client, asked scope and resource are kept with the tokens, so that no token is ever handed out
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

    /// <summary>The other APIs that the sign-in is for.</summary>
    public IReadOnlyList<string>? FurtherResources { get; init; }

    public required string GrantedScope { get; init; }

    public JsonElement? Claims { get; init; }

    public required string AccessToken { get; init; }

    public required DateTimeOffset ObtainedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public string? RefreshToken { get; init; }

    /// <summary>The access tokens for the other APIs, by their addresses; each comes with the first call that needs it.</summary>
    public IReadOnlyDictionary<string, HeldToken>? FurtherTokens { get; init; }

    /// <summary>The private key that the tokens are bound to (RFC 9449), as base64url of PKCS#8; none for bearer tokens.</summary>
    public string? DpopKey { get; init; }

    /// <summary>Where the answer of the sign-in came in, if it named no issuer: <see cref="Redirect.Place"/>.</summary>
    public string? SilentAt { get; init; }

    /// <summary>Set while a refresh is under way, and left behind where its outcome never became known.</summary>
    public RenewalMark? Renewing { get; init; }

    /// <summary>What a newer version of this library wrote; it is kept as it is.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? More { get; set; }

    [JsonIgnore]
    public string? Subject => Claims?.Text("sub");

    [JsonIgnore]
    public SessionSummary Summary => new(Profile, ProofKey.Issuer.Parse(Issuer), ClientId, Scope.Parse(AskedScope), Resource, Subject, ExpiresAt, RefreshToken is not null) { FurtherResources = FurtherResources ?? [], IsBound = DpopKey is not null };

    /// <summary>Whether every member can be used as what it should be.</summary>
    [JsonIgnore]
    public bool IsUsable =>
        ProofKey.Issuer.TryParse(Issuer, out _, out _)
        && Scope.TryParse(AskedScope, out _)
        && Scope.TryParseGranted(GrantedScope, out _)
        && Claims is null or { ValueKind: JsonValueKind.Object }
        && (DpopKey is null || Base64UrlText.TryDecode(DpopKey, out _));

    /// <summary>Whether it is of the client that the options are for, whatever it asked for.</summary>
    public bool IsOf(ClientOptions options) => Issuer == options.Issuer.Value && ClientId == options.ClientId;

    /// <summary>Whether this is what the options ask for.</summary>
    public bool IsFor(ClientOptions options) =>
        Profile == options.Profile
        && IsOf(options)
        && Resource == options.Resource
        && (FurtherResources ?? []).ToHashSet(StringComparer.Ordinal).SetEquals(options.FurtherResources)
        && Dpop(options.Dpop)
        && Scope.TryParse(AskedScope, out var asked)
        && asked.IsSubsetOf(options.Scope)
        && options.Scope.IsSubsetOf(asked);

    // What is bound stays bound, and what is not is not bound half-way: who wants the other signs in again.
    private bool Dpop(DpopUse use) => use switch
    {
        DpopUse.Always => DpopKey is not null,
        DpopUse.Never => DpopKey is null,
        _ => true,
    };

    /// <summary>The access token for one of its APIs, if there is one yet.</summary>
    /// <param name="resource">The API; <see langword="null"/> is the first one, or the server's own choice.</param>
    public HeldToken? TokenFor(string? resource) => resource is null || resource == Resource
        ? new HeldToken(AccessToken, ObtainedAt, ExpiresAt)
        : FurtherTokens?.GetValueOrDefault(resource);

    /// <summary>Whether the outcome of a refresh with the current token never became known.</summary>
    [JsonIgnore]
    public bool WasInterrupted => RefreshToken is { } token && Renewing?.Token == RenewalMark.DigestOf(token);

    /// <summary>The same session with the tokens of a refresh.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="resource">The API that the access token is for; <see langword="null"/> is the first one.</param>
    /// <param name="now">The time.</param>
    public StoredSession With(Tokens tokens, string? resource, DateTimeOffset now)
    {
        // RFC 6749 section 6: no new refresh token means that the old one goes on
        var renewed = this with { RefreshToken = tokens.RefreshToken ?? RefreshToken, Renewing = null };
        if (resource is null || resource == Resource)
            return renewed with { AccessToken = tokens.AccessToken, ObtainedAt = now, ExpiresAt = tokens.ExpiresAt, GrantedScope = tokens.Scope?.ToString() ?? GrantedScope };
        var others = new Dictionary<string, HeldToken>(FurtherTokens ?? new Dictionary<string, HeldToken>(), StringComparer.Ordinal) { [resource] = new(tokens.AccessToken, now, tokens.ExpiresAt) };
        return renewed with { FurtherTokens = others };
    }

    public override string ToString() => $"{ClientId} at {Issuer}";
}

/// <summary>
/// Written before a refresh token is sent and taken away with its successor. A process that dies in between, or an answer that is lost, leaves
/// it, and it explains what the server says next.
/// </summary>
/// <param name="Token">The digest of the refresh token that was sent.</param>
/// <param name="At">When: who waited meanwhile knows by it whether that attempt has had its time.</param>
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
