using System.Text.Json;
using System.Text.Json.Serialization;

namespace ProofKey.Client;

/// <summary>What this client reads of a server's metadata (RFC 8414 section 2). A member that it does not read may be anything.</summary>
internal sealed record DiscoveredMetadata
{
    public required string Issuer { get; init; }

    /// <summary>The members that had a wrong type and are left out here: to whoever needs one, that is no server without it.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Misshapen { get; init; } = [];

    public string? AuthorizationEndpoint { get; init; }

    public string? TokenEndpoint { get; init; }

    public string? JwksUri { get; init; }

    public string? UserinfoEndpoint { get; init; }

    public string? RevocationEndpoint { get; init; }

    /// <summary>Of any type, since nothing else fails for it.</summary>
    public JsonElement EndSessionEndpoint { get; init; }

    public string? PushedAuthorizationRequestEndpoint { get; init; }

    public bool? RequirePushedAuthorizationRequests { get; init; }

    public string? DeviceAuthorizationEndpoint { get; init; }

    public IReadOnlyList<string>? ResponseModesSupported { get; init; }

    public IReadOnlyList<string>? CodeChallengeMethodsSupported { get; init; }

    [JsonPropertyName("dpop_signing_alg_values_supported")]
    public IReadOnlyList<string>? DpopSigningAlgorithmsSupported { get; init; }

    [JsonPropertyName("authorization_response_iss_parameter_supported")]
    public bool? AuthorizationResponseIssuerParameterSupported { get; init; }
}

/// <summary>The JSON of what is read, generated at build time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.Strict,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16)]
[JsonSerializable(typeof(DiscoveredMetadata))]
internal sealed partial class MetadataJson : JsonSerializerContext;
