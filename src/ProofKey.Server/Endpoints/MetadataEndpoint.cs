using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// What the server says of itself, under both well-known addresses (RFC 8414 section 3, OpenID Connect Discovery section 4), and its
/// public keys. Everything comes from settings, nothing from the request (RFC 9700 section 4.13).
/// </summary>
internal sealed class MetadataEndpoint(ServerOptions options, KeyRing keys, AccountSource accounts)
{
    public const string JwksPath = "/jwks";

    private static readonly string[] AssertionAlgorithms = [.. SignatureAlgorithm.All.Select(algorithm => algorithm.Name)];

    private readonly byte[] _document = JsonSerializer.SerializeToUtf8Bytes(Document(options, accounts), Wire.Default.ServerMetadata);

    public Task GetAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "public, max-age=3600";
        return Answers.JsonAsync(context, _document);
    }

    public Task GetKeysAsync(HttpContext context)
    {
        // OpenID Connect Core section 10.1.1: whoever keeps the keys for this long still has each of them before it is used
        context.Response.Headers.CacheControl = "public, max-age=3600";
        return Answers.JsonAsync(context, keys.PublicKeys.ToJson());
    }

    private static ServerMetadata Document(ServerOptions options, AccountSource accounts) => Document(options, options.Issuer, accounts);

    private static ServerMetadata Document(ServerOptions options, Issuer issuer, AccountSource accounts) => new()
    {
        Issuer = issuer.Value,
        AuthorizationEndpoint = issuer.Endpoint(AuthorizeEndpoint.Path),
        TokenEndpoint = issuer.Endpoint(TokenEndpoint.Path),
        UserinfoEndpoint = issuer.Endpoint(UserinfoEndpoint.Path),
        RevocationEndpoint = issuer.Endpoint(RevocationEndpoint.Path),
        IntrospectionEndpoint = issuer.Endpoint(IntrospectionEndpoint.Path),
        PushedAuthorizationRequestEndpoint = issuer.Endpoint(PushedRequestEndpoint.Path),
        // RFC 9126 section 5: only where it is so; leaving it out means false
        RequirePushedAuthorizationRequests = options.RequirePushedRequests ? true : null,
        DeviceAuthorizationEndpoint = issuer.Endpoint(DeviceAuthorizationEndpoint.Path),
        EndSessionEndpoint = accounts.SignsOut ? issuer.Endpoint(LogoutEndpoint.Path) : null,
        // Sessions of another account source have no name here that a client could hear.
        BackchannelLogoutSupported = accounts.KeepsAccountsHere ? true : null,
        BackchannelLogoutSessionSupported = accounts.KeepsAccountsHere ? true : null,
        JwksUri = issuer.Endpoint(JwksPath),
        ScopesSupported = [Scope.OpenId, Scope.Profile, Scope.Email, Scope.OfflineAccess],
        ResponseTypesSupported = ["code"],
        ResponseModesSupported = ResponseMode.Default,
        GrantTypesSupported = [GrantType.AuthorizationCode, GrantType.RefreshToken, GrantType.ClientCredentials, GrantType.DeviceCode],
        CodeChallengeMethodsSupported = [CodeChallenge.Method],
        TokenEndpointAuthMethodsSupported = ["none", .. ClientAuthentication.ConfidentialMethods],
        TokenEndpointAuthAlgorithmsSupported = AssertionAlgorithms,
        RevocationEndpointAuthMethodsSupported = ["none", .. ClientAuthentication.ConfidentialMethods],
        RevocationEndpointAuthAlgorithmsSupported = AssertionAlgorithms,
        IntrospectionEndpointAuthMethodsSupported = ClientAuthentication.ConfidentialMethods,
        IntrospectionEndpointAuthAlgorithmsSupported = AssertionAlgorithms,
        SubjectTypesSupported = ["public"],
        IdTokenSigningAlgorithmsSupported = [.. SignatureAlgorithm.All.Select(algorithm => algorithm.Name)],
        DpopSigningAlgorithmsSupported = [.. ProofOfPossession.Algorithms.Select(algorithm => algorithm.Name)],
        ClaimsSupported = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash", "acr", "amr", "name", "preferred_username", "email", "email_verified"],
        AcrValuesSupported = accounts.AcrValuesSupported is { Count: > 0 } values ? values : null,
        PromptValuesSupported = ["none", "login", "consent", "select_account"],
        AuthorizationResponseIssuerParameterSupported = true,
        ClaimsParameterSupported = true,
        RequestParameterSupported = false,
        RequestUriParameterSupported = false,
    };
}
