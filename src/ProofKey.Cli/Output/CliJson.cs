using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

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
    string? BackchannelLogoutUri,
    IReadOnlyList<string> Origins,
    string Scope,
    string? Audience,
    IReadOnlyList<string> ResponseModes,
    bool FirstParty,
    bool Device,
    bool Strict,
    bool RequirePar,
    bool Dpop,
    IReadOnlyList<string> GrantTypes,
    bool Jwks,
    string? JwksUri,
    string? Introspects,
    DateTimeOffset CreatedAt);

/// <summary>What <c>resource add --json</c> and <c>resource list --json</c> print of an API.</summary>
internal sealed record ShownResource(string Address, string Name, string Scope, DateTimeOffset CreatedAt);

/// <summary>What <c>scope set --json</c> and <c>scope list --json</c> print of a scope.</summary>
internal sealed record ShownScope(string Scope, string Words);

/// <summary>What <c>user … --json</c> prints of a person.</summary>
internal sealed record ShownUser(string Sub, string Name, string? Email, bool Admin, DateTimeOffset CreatedAt, DateTimeOffset? DisabledAt);

/// <summary>What <c>grant list --json</c> prints of a grant; <c>state</c> is live, revoked or ended.</summary>
internal sealed record ShownGrant(string Grant, string Sub, string? Name, string ClientId, string Scope, string State, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, DateTimeOffset ExpiresAt);

/// <summary>What <c>grant revoke --json</c> prints.</summary>
internal sealed record RevokedGrants(int Revoked);

/// <summary>What <c>key list --json</c> prints of a key; <c>state</c> is next, current or retiring.</summary>
internal sealed record ShownKey(string Kid, string Purpose, string Algorithm, string State, DateTimeOffset CreatedAt, DateTimeOffset NotBefore, DateTimeOffset? RetireAfter);

/// <summary>What <c>login --json</c> prints.</summary>
internal sealed record SignedInProfile(string Profile, string Issuer, string ClientId, string? Sub, string? Name, string Scope, DateTimeOffset ExpiresAt);

/// <summary>What <c>logout --json</c> prints: whether the server took back the tokens, else why it did not, and where a browser is signed out.</summary>
internal sealed record SignedOutProfile(string Profile, string Issuer, bool Revoked, string? Problem, string? EndSessionUri);

/// <summary>What <c>token -o json</c> prints.</summary>
internal sealed record ShownToken(string AccessToken, string TokenType, DateTimeOffset ExpiresAt, string Scope);

/// <summary>What <c>token -o exec-credential</c> prints; the names are those of Kubernetes.</summary>
internal sealed record ExecCredential([property: JsonPropertyName("apiVersion")] string ApiVersion, [property: JsonPropertyName("kind")] string Kind, [property: JsonPropertyName("status")] ExecCredentialStatus Status);

/// <summary>The token in it, and when kubectl is to ask for another.</summary>
internal sealed record ExecCredentialStatus([property: JsonPropertyName("expirationTimestamp")] string ExpirationTimestamp, [property: JsonPropertyName("token")] string Token);

/// <summary>What <c>whoami --json</c> prints; <c>expires_at</c> is the access token's, and <c>backend</c> says what holds the key of the session: keychain, key_file or passphrase.</summary>
internal sealed record ShownPerson(
    string Profile, string Issuer, string ClientId, string? Sub, string Scope, DateTimeOffset ExpiresAt, bool Renewable, bool Bound, string? Backend, JsonElement? Claims);

/// <summary>What <c>list --json</c> prints of a profile; <c>state</c> is signed_in, signed_out, locked or damaged, and what only a session that can be opened tells is there with one.</summary>
internal sealed record ShownProfile(
    string Profile,
    string Issuer,
    string ClientId,
    string Scope,
    string State,
    string? Sub,
    DateTimeOffset? ExpiresAt,
    bool? Renewable,
    bool? Bound,
    string? Backend,
    bool Active);

/// <summary>A line of <c>audit-log --json</c>. An entry that counts keeps its id, and comes again when its count has grown.</summary>
internal sealed record ShownAuditEntry(string Id, DateTimeOffset At, string Kind, string? Sub, string? User, string? ClientId, string? Address, long Count, string? Detail);

/// <summary>The JSON that the program prints, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AddedClient))]
[JsonSerializable(typeof(ShownClient))]
[JsonSerializable(typeof(IReadOnlyList<ShownClient>))]
[JsonSerializable(typeof(ShownResource))]
[JsonSerializable(typeof(IReadOnlyList<ShownResource>))]
[JsonSerializable(typeof(ShownScope))]
[JsonSerializable(typeof(IReadOnlyList<ShownScope>))]
[JsonSerializable(typeof(ShownGrant))]
[JsonSerializable(typeof(IReadOnlyList<ShownGrant>))]
[JsonSerializable(typeof(RevokedGrants))]
[JsonSerializable(typeof(ShownUser))]
[JsonSerializable(typeof(IReadOnlyList<ShownUser>))]
[JsonSerializable(typeof(IReadOnlyList<ShownKey>))]
[JsonSerializable(typeof(SignedInProfile))]
[JsonSerializable(typeof(SignedOutProfile))]
[JsonSerializable(typeof(ShownToken))]
[JsonSerializable(typeof(ExecCredential))]
[JsonSerializable(typeof(ShownPerson))]
[JsonSerializable(typeof(IReadOnlyList<ShownProfile>))]
[JsonSerializable(typeof(ShownAuditEntry))]
[JsonSerializable(typeof(IReadOnlyList<Doctor.Finding>))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>A value as JSON that people can read: letters and quotation marks are themselves, and what steers a terminal or reorders what is read is escaped.</summary>
    public static string Text<T>(T value, JsonTypeInfo<T> type)
    {
        var written = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(written, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) JsonSerializer.Serialize(writer, value, type);
        return PlainText.Escaped(Encoding.UTF8.GetString(written.WrittenSpan));
    }
}

/// <summary>The JSON of what is counted in a database: apart, so that no verb of the client loads the server for its own.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<Server.Storage.TableCount>))]
internal sealed partial class DatabaseJson : JsonSerializerContext;
