using System.Text.Json.Serialization;

namespace ProofKey;

/// <summary>
/// What an authorization server says of itself (RFC 8414 section 2, OpenID Connect Discovery section 3). Members that it leaves out
/// are <see langword="null"/>; they are never written as <c>null</c>.
/// </summary>
public sealed record ServerMetadata
{
    /// <summary>The issuer, to be compared with the expected one to the character (RFC 8414 section 3.3).</summary>
    public required string Issuer { get; init; }

    /// <summary>Where a browser is sent to.</summary>
    public string? AuthorizationEndpoint { get; init; }

    /// <summary>Where codes and refresh tokens are redeemed.</summary>
    public string? TokenEndpoint { get; init; }

    /// <summary>Where the public signing keys are.</summary>
    public string? JwksUri { get; init; }

    /// <summary>Where claims about the person are.</summary>
    public string? UserinfoEndpoint { get; init; }

    /// <summary>Where tokens are revoked (RFC 7009).</summary>
    public string? RevocationEndpoint { get; init; }

    /// <summary>Where a client pushes its authorization request (RFC 9126 section 5).</summary>
    public string? PushedAuthorizationRequestEndpoint { get; init; }

    /// <summary>Whether every authorization request must be pushed (RFC 9126 section 5).</summary>
    public bool? RequirePushedAuthorizationRequests { get; init; }

    /// <summary>Where devices without a browser ask for codes (RFC 8628 section 4).</summary>
    public string? DeviceAuthorizationEndpoint { get; init; }

    /// <summary>Where tokens are introspected (RFC 7662).</summary>
    public string? IntrospectionEndpoint { get; init; }

    /// <summary>Where a browser is sent to sign out (OpenID Connect RP-Initiated Logout section 2.1).</summary>
    public string? EndSessionEndpoint { get; init; }

    /// <summary>Whether clients can hear that a session ended (OpenID Connect Back-Channel Logout section 2.1).</summary>
    public bool? BackchannelLogoutSupported { get; init; }

    /// <summary>Whether they hear which one it was, by the <c>sid</c> of their ID token.</summary>
    public bool? BackchannelLogoutSessionSupported { get; init; }

    /// <summary>The scopes that may be asked for.</summary>
    public IReadOnlyList<string>? ScopesSupported { get; init; }

    /// <summary>The response types; ours is <c>code</c> alone.</summary>
    public IReadOnlyList<string>? ResponseTypesSupported { get; init; }

    /// <summary>How an answer may travel back through the browser.</summary>
    public IReadOnlyList<string>? ResponseModesSupported { get; init; }

    /// <summary>The grants of the token endpoint.</summary>
    public IReadOnlyList<string>? GrantTypesSupported { get; init; }

    /// <summary>The transformations of the code challenge (RFC 7636); ours is <c>S256</c> alone.</summary>
    public IReadOnlyList<string>? CodeChallengeMethodsSupported { get; init; }

    /// <summary>How clients authenticate at the token endpoint; <c>none</c> is for public clients.</summary>
    public IReadOnlyList<string>? TokenEndpointAuthMethodsSupported { get; init; }

    /// <summary>Signature algorithms of client assertions at the token endpoint.</summary>
    [JsonPropertyName("token_endpoint_auth_signing_alg_values_supported")]
    public IReadOnlyList<string>? TokenEndpointAuthAlgorithmsSupported { get; init; }

    /// <summary>How clients authenticate at the revocation endpoint.</summary>
    public IReadOnlyList<string>? RevocationEndpointAuthMethodsSupported { get; init; }

    /// <summary>Signature algorithms of client assertions at the revocation endpoint.</summary>
    [JsonPropertyName("revocation_endpoint_auth_signing_alg_values_supported")]
    public IReadOnlyList<string>? RevocationEndpointAuthAlgorithmsSupported { get; init; }

    /// <summary>How clients authenticate at the introspection endpoint; public ones cannot.</summary>
    public IReadOnlyList<string>? IntrospectionEndpointAuthMethodsSupported { get; init; }

    /// <summary>Signature algorithms of client assertions at the introspection endpoint.</summary>
    [JsonPropertyName("introspection_endpoint_auth_signing_alg_values_supported")]
    public IReadOnlyList<string>? IntrospectionEndpointAuthAlgorithmsSupported { get; init; }

    /// <summary>Kinds of subject identifiers.</summary>
    public IReadOnlyList<string>? SubjectTypesSupported { get; init; }

    /// <summary>Signature algorithms of ID tokens.</summary>
    [JsonPropertyName("id_token_signing_alg_values_supported")]
    public IReadOnlyList<string>? IdTokenSigningAlgorithmsSupported { get; init; }

    /// <summary>Signature algorithms of proofs of possession (RFC 9449 section 5.1).</summary>
    [JsonPropertyName("dpop_signing_alg_values_supported")]
    public IReadOnlyList<string>? DpopSigningAlgorithmsSupported { get; init; }

    /// <summary>The claims that an ID token or userinfo may hold.</summary>
    public IReadOnlyList<string>? ClaimsSupported { get; init; }

    /// <summary>The values of <c>acr</c> that a sign-in can bring, which may be asked for in <c>acr_values</c> (RFC 9470 section 4).</summary>
    public IReadOnlyList<string>? AcrValuesSupported { get; init; }

    /// <summary>The values of <c>prompt</c> that are understood.</summary>
    public IReadOnlyList<string>? PromptValuesSupported { get; init; }

    /// <summary>Whether every authorization answer names its issuer (RFC 9207 section 3).</summary>
    [JsonPropertyName("authorization_response_iss_parameter_supported")]
    public bool? AuthorizationResponseIssuerParameterSupported { get; init; }

    /// <summary>Whether the <c>claims</c> parameter is understood.</summary>
    public bool? ClaimsParameterSupported { get; init; }

    /// <summary>Whether signed requests are understood.</summary>
    public bool? RequestParameterSupported { get; init; }

    /// <summary>Whether requests by reference are understood; the default of OpenID Connect Discovery is <see langword="true"/>, so we say no.</summary>
    public bool? RequestUriParameterSupported { get; init; }
}
