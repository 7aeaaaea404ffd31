using ProofKey.Client.Providers;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>Why a server may be trusted to check the code verifier (RFC 7636 section 4.6). One that may not is refused.</summary>
public enum PkceSupport
{
    /// <summary>Its metadata list S256.</summary>
    Advertised,

    /// <summary>Its metadata say nothing, but it is one of the providers that are known to check it.</summary>
    KnownProvider,

    /// <summary>Its metadata say nothing, and <see cref="ClientOptions.AcceptUnadvertisedPkce"/> vouches for it.</summary>
    Accepted,
}

/// <summary>An authorization server whose metadata passed every check of a sign-in too: there is no other way to get one than <see cref="Check"/>.</summary>
internal sealed record SignInServer : AuthorizationServer
{
    private SignInServer(AuthorizationServer server)
        : base(server)
    {
    }

    /// <summary>Where a browser is sent to.</summary>
    public required Uri Authorization { get; init; }

    /// <summary>Where devices ask for codes.</summary>
    public Uri? DeviceAuthorization { get; init; }

    /// <summary>Where authorization requests are pushed; they always are where there is such a place (RFC 9126 section 5).</summary>
    public Uri? PushedRequests { get; init; }

    /// <summary>Whether every answer in the browser names its issuer (RFC 9207 section 3).</summary>
    public bool NamesItself { get; init; }

    /// <summary>Whether the tokens of a new session are bound to a key.</summary>
    public bool Binds { get; init; }

    /// <summary>Whether the answer is asked for as a form that the browser posts.</summary>
    public bool Posts { get; init; }

    /// <summary>Whether it says that it knows <c>response_mode=query</c>.</summary>
    public bool ListsQuery { get; init; }

    /// <summary>Checks what a sign-in needs, before anybody is sent there.</summary>
    /// <exception cref="ProtocolViolationException">Something of it is missing, or weaker than it has to be.</exception>
    public static SignInServer Check(AuthorizationServer server, ClientOptions options, ProviderEntry? provider)
    {
        var (metadata, endpoints) = (server.Metadata, server.Endpoints);
        if (metadata.Misshapen is [var wrong, ..]) throw Endpoints.Malformed(wrong);
        // Whoever signs in now will want them.
        _ = (server.UserInfo, server.Revocation);
        _ = PkceOf(metadata, options, provider) ?? throw NoPkce(metadata);
        CheckResponseMode(metadata.ResponseModesSupported, options);
        var pushed = endpoints.Optional("pushed_authorization_request_endpoint", metadata.PushedAuthorizationRequestEndpoint);
        return new SignInServer(server)
        {
            Authorization = CheckQuery(endpoints.RequiredForBrowser("authorization_endpoint", metadata.AuthorizationEndpoint)),
            DeviceAuthorization = endpoints.Optional("device_authorization_endpoint", metadata.DeviceAuthorizationEndpoint),
            PushedRequests = metadata.RequirePushedAuthorizationRequests == true ? endpoints.Required("pushed_authorization_request_endpoint", pushed?.AbsoluteUri) : pushed,
            NamesItself = metadata.AuthorizationResponseIssuerParameterSupported == true,
            Binds = BindsBy(metadata.DpopSigningAlgorithmsSupported, options.Dpop),
            Posts = metadata.ResponseModesSupported?.Contains("form_post") == true && provider?.ResponseMode is not ProviderEntry.Query,
            ListsQuery = metadata.ResponseModesSupported?.Contains("query") == true,
        };
    }

    /// <summary>Why the server may be trusted with PKCE; <see langword="null"/> where it may not (RFC 9700 section 2.1.1, RFC 7636 section 7.2: no way down to plain or to nothing).</summary>
    public static PkceSupport? PkceOf(DiscoveredMetadata metadata, ClientOptions options, ProviderEntry? provider) => metadata.CodeChallengeMethodsSupported switch
    {
        null when metadata.Misshapen.Contains("code_challenge_methods_supported") => null,
        { } methods => methods.Contains(CodeChallenge.Method) ? PkceSupport.Advertised : null,
        null when provider?.ChecksVerifier == true => PkceSupport.KnownProvider,
        null => options.AcceptUnadvertisedPkce ? PkceSupport.Accepted : null,
    };

    private static ProtocolViolationException NoPkce(DiscoveredMetadata metadata) => metadata.CodeChallengeMethodsSupported is not null
        ? new ProtocolViolationException(
            "pkce_without_s256", "metadata that promises PKCE with S256", "it lists other methods only", "Use a server that supports S256; there is no way down to a weaker method.")
        : new ProtocolViolationException(
            "pkce_not_advertised", "metadata that promises PKCE with S256", "it has no code_challenge_methods_supported", "If you know that this server enforces S256 all the same, set AcceptUnadvertisedPkce.");

    private static void CheckResponseMode(IReadOnlyList<string>? modes, ClientOptions options)
    {
        if (options.ResponseMode == ResponseMode.FormPost && modes?.Contains("form_post") != true)
            throw new ProtocolViolationException("response_mode", "a server that can answer with form_post", "its metadata does not list it", "Use ResponseMode.Query with this server.");
    }

    // RFC 9449 section 5.1: a server that binds tokens says by which algorithms; our keys have one
    private static bool BindsBy(IReadOnlyList<string>? algorithms, DpopUse dpop)
    {
        if (dpop == DpopUse.Never) return false;
        if (algorithms?.Contains(SignatureAlgorithm.ES256.Name) == true) return true;
        if (dpop == DpopUse.WhenAdvertised) return false;
        throw new ProtocolViolationException(
            "dpop_not_advertised", "metadata that promise tokens bound to a key, by ES256", "dpop_signing_alg_values_supported does not list it", "Use DpopUse.WhenAdvertised to take bearer tokens from this server.");
    }

    // RFC 6749 section 3.1: the endpoint's query is kept, and no parameter of ours may come twice
    private static Uri CheckQuery(Uri endpoint)
    {
        var good = Parameters.TryParse(endpoint.Query.AsSpan().TrimStart('?'), out var query, out _) && !query.Pairs.Any(pair => ClientOptions.OwnParameters.Contains(pair.Key));
        return good ? endpoint : throw new ProtocolViolationException("endpoint_address", "authorization_endpoint without the parameters of a request", "it brings some of its own");
    }
}
