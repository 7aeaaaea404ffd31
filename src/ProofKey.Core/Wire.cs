using System.Text.Json.Serialization;

namespace ProofKey;

/// <summary>A successful answer of the token endpoint (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).</summary>
public sealed record TokenResponse
{
    /// <summary>The access token.</summary>
    public required string AccessToken { get; init; }

    /// <summary>How the access token is presented: <c>Bearer</c>, or <c>DPoP</c> when it is bound to a key (RFC 9449 section 5).</summary>
    public required string TokenType { get; init; }

    /// <summary>Seconds until the access token ends.</summary>
    public long? ExpiresIn { get; init; }

    /// <summary>The refresh token.</summary>
    public string? RefreshToken { get; init; }

    /// <summary>The scope that was granted, separated by spaces.</summary>
    public string? Scope { get; init; }

    /// <summary>The ID token, when <c>openid</c> was granted.</summary>
    public string? IdToken { get; init; }

    /// <summary>Names the type alone: tokens never reach a log by being printed.</summary>
    /// <returns>A fixed text.</returns>
    public override string ToString() => nameof(TokenResponse);
}

/// <summary>The answer to a pushed authorization request (RFC 9126 section 2.2).</summary>
public sealed record PushedResponse
{
    /// <summary>What the browser takes to the authorization endpoint instead of the parameters.</summary>
    public required string RequestUri { get; init; }

    /// <summary>Seconds until it must have come there.</summary>
    public required long ExpiresIn { get; init; }

    /// <summary>Names the type alone: a reference never reaches a log by being printed.</summary>
    /// <returns>A fixed text.</returns>
    public override string ToString() => nameof(PushedResponse);
}

/// <summary>The codes for a device that asks for a sign-in (RFC 8628 section 3.2).</summary>
public sealed record DeviceAuthorizationResponse
{
    /// <summary>The code that the device keeps, and polls the token endpoint with.</summary>
    public required string DeviceCode { get; init; }

    /// <summary>The code that the device shows and the person enters.</summary>
    public required string UserCode { get; init; }

    /// <summary>Where the person enters it; short enough to be typed.</summary>
    public required string VerificationUri { get; init; }

    /// <summary>The same address with the code in it, for a QR code.</summary>
    public string? VerificationUriComplete { get; init; }

    /// <summary>Seconds until both codes end.</summary>
    public required long ExpiresIn { get; init; }

    /// <summary>Seconds to wait between two polls; 5 when absent.</summary>
    public long? Interval { get; init; }

    /// <summary>Names the type alone: codes never reach a log by being printed.</summary>
    /// <returns>A fixed text.</returns>
    public override string ToString() => nameof(DeviceAuthorizationResponse);
}

/// <summary>A refusal of a JSON endpoint (RFC 6749 section 5.2).</summary>
public sealed record ErrorResponse
{
    /// <summary>The registered code.</summary>
    public required string Error { get; init; }

    /// <summary>One sentence for a developer.</summary>
    public string? ErrorDescription { get; init; }

    /// <summary>A page about the error.</summary>
    public string? ErrorUri { get; init; }
}

/// <summary>
/// The JSON of the protocol, generated at build time: snake case, absent members left out and never <c>null</c>, duplicate members refused.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16)]
[JsonSerializable(typeof(TokenResponse))]
[JsonSerializable(typeof(PushedResponse))]
[JsonSerializable(typeof(DeviceAuthorizationResponse))]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(ServerMetadata))]
public sealed partial class Wire : JsonSerializerContext;
