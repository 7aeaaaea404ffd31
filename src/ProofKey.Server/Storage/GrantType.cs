namespace ProofKey.Server.Storage;

/// <summary>What can be exchanged for tokens (RFC 6749 section 1.3).</summary>
internal static class GrantType
{
    public const string AuthorizationCode = "authorization_code";
    public const string RefreshToken = "refresh_token";

    public const string ClientCredentials = "client_credentials";

    // RFC 8628 section 3.4
    public const string DeviceCode = "urn:ietf:params:oauth:grant-type:device_code";

    /// <summary>What a client may use when its registration names nothing.</summary>
    public static readonly IReadOnlyList<string> Default = [AuthorizationCode, RefreshToken];

    /// <summary>Whether a grant type begins with a person who signs in.</summary>
    public static bool SignsPeopleIn(string grantType) => grantType is AuthorizationCode or DeviceCode;
}
