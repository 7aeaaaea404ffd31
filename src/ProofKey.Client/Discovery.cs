using System.Text.Json;
using ProofKey.Client.Providers;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>An authorization server whose metadata passed every check.</summary>
internal sealed record AuthorizationServer(Uri Authorization, Uri Token, Uri? Keys, Uri? UserInfo, Uri? Revocation, bool NamesItself)
{
    /// <summary>Where devices ask for codes.</summary>
    public Uri? DeviceAuthorization { get; init; }

    /// <summary>Where authorization requests are pushed; they always are where there is such a place (RFC 9126 section 5).</summary>
    public Uri? PushedRequests { get; init; }

    /// <summary>Whether the tokens of a new session are bound to a key.</summary>
    public bool Binds { get; init; }

    /// <summary>Whether the answer is asked for as a form that the browser posts.</summary>
    public bool Posts { get; init; }

    /// <summary>Whether it says that it knows <c>response_mode=query</c>.</summary>
    public bool ListsQuery { get; init; }

    /// <summary>Why it may be trusted to check the verifier.</summary>
    public PkceSupport Pkce { get; init; }
}

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

/// <summary>
/// Finds the server's endpoints (RFC 8414 section 3, OpenID Connect Discovery section 4) and checks them before anything is sent there.
/// </summary>
internal sealed class Discovery(ClientOptions options, Backchannel backchannel)
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    private readonly ProviderEntry? _provider = KnownProviders.Find(options.Issuer);

    private sealed record Copy(AuthorizationServer Server, DateTimeOffset ReadAt);

    private Copy? _copy;

    public async Task<AuthorizationServer> GetAsync(CancellationToken cancel)
    {
        var copy = Volatile.Read(ref _copy);
        var now = options.TimeProvider.GetUtcNow();
        if (copy is not null && now - copy.ReadAt < MaxAge) return copy.Server;
        try
        {
            var server = Check(await ReadAsync(cancel));
            Volatile.Write(ref _copy, new Copy(server, now));
            options.Emit(new ClientEvent.MetadataRead(options.Issuer.Value, server.Pkce));
            return server;
        }
        catch (AuthorizationServerUnavailableException) when (copy is not null)
        {
            // The last good copy outlives an outage of the metadata alone.
            return copy.Server;
        }
    }

    // Both forms are in use. Who asks for openid is more likely to find all that it needs under the OpenID Connect one.
    private async Task<ServerMetadata> ReadAsync(CancellationToken cancel)
    {
        Uri[] forms = [options.Issuer.OpenIdConfigurationAddress, options.Issuer.MetadataAddress];
        if (!options.Scope.Contains(Scope.OpenId)) Array.Reverse(forms);
        ProtocolViolationException? elsewhere = null;
        foreach (var form in forms)
        {
            try
            {
                var answer = await backchannel.GetAsync("the server's metadata", form, cancel);
                // A server without this form answers 404, or with the page of its single-page app.
                if (answer is { IsSuccess: true, IsJson: true }) return Parse(answer);
            }
            catch (ProtocolViolationException redirect) when (redirect.Code == "redirect")
            {
                // Or it sends whatever it does not know to a sign-in page: then this form is not here, and nobody goes there.
                elsewhere ??= redirect;
            }
        }
        if (elsewhere is not null) throw elsewhere;
        throw new AuthorizationServerUnavailableException(
            "no_metadata", $"metadata at {forms[0]} or {forms[1]}", "there was none at either", "Check that the issuer's address is right and that an authorization server runs there.", retryable: false);
    }

    private ServerMetadata Parse(Answer answer)
    {
        try
        {
            var metadata = answer.Object().Deserialize(Wire.Default.ServerMetadata);
            if (metadata is not null) return CheckIssuer(metadata);
        }
        catch (JsonException)
        {
            // Reported below in our own words.
        }
        throw new ProtocolViolationException("malformed_metadata", "metadata as RFC 8414 section 2 describes it", "a member is missing or has the wrong type");
    }

    // RFC 8414 section 3.3, OpenID Connect Discovery section 4.3: identical, to the character
    private ServerMetadata CheckIssuer(ServerMetadata metadata) => metadata.Issuer == options.Issuer.Value
        ? metadata
        : throw new ProtocolViolationException(
            "metadata_issuer",
            $"metadata of the issuer {options.Issuer}",
            $"it names the issuer {ServerText.Shown(metadata.Issuer)}{Difference(metadata.Issuer, options.Issuer.Value)}",
            _provider?.Remedy("metadata_issuer") ?? "Write the issuer exactly as the server does, down to the slash at its end; if it names another host, do not go on.");

    // Where two addresses differ is hard to see.
    internal static string Difference(string named, string expected) =>
        named.TrimEnd('/') == expected.TrimEnd('/') ? ", which differs by the slash at its end alone"
        : named.Equals(expected, StringComparison.OrdinalIgnoreCase) ? ", which differs by small and capital letters alone"
        : "";

    private AuthorizationServer Check(ServerMetadata metadata)
    {
        var pkce = CheckPkce(metadata.CodeChallengeMethodsSupported);
        CheckResponseMode(metadata.ResponseModesSupported);
        var pushed = Optional("pushed_authorization_request_endpoint", metadata.PushedAuthorizationRequestEndpoint);
        var keysNeeded = options.Scope.Contains(Scope.OpenId);
        return new AuthorizationServer(
            CheckQuery(Required("authorization_endpoint", metadata.AuthorizationEndpoint)),
            Required("token_endpoint", metadata.TokenEndpoint),
            keysNeeded ? Required("jwks_uri", metadata.JwksUri) : Optional("jwks_uri", metadata.JwksUri),
            Optional("userinfo_endpoint", metadata.UserinfoEndpoint),
            Optional("revocation_endpoint", metadata.RevocationEndpoint),
            metadata.AuthorizationResponseIssuerParameterSupported == true)
        {
            DeviceAuthorization = Optional("device_authorization_endpoint", metadata.DeviceAuthorizationEndpoint),
            PushedRequests = metadata.RequirePushedAuthorizationRequests == true ? Required("pushed_authorization_request_endpoint", pushed?.AbsoluteUri) : pushed,
            Binds = Binds(metadata.DpopSigningAlgorithmsSupported),
            Posts = metadata.ResponseModesSupported?.Contains("form_post") == true && _provider?.ResponseMode is not ProviderEntry.Query,
            ListsQuery = metadata.ResponseModesSupported?.Contains("query") == true,
            Pkce = pkce,
        };
    }

    // RFC 9700 section 2.1.1, RFC 7636 section 7.2: no way down to plain or to nothing
    private PkceSupport CheckPkce(IReadOnlyList<string>? methods)
    {
        if (methods is not null)
            return methods.Contains(CodeChallenge.Method) ? PkceSupport.Advertised : throw new ProtocolViolationException(
                "pkce_without_s256", "metadata that promises PKCE with S256", "it lists other methods only", "Use a server that supports S256; there is no way down to a weaker method.");
        if (_provider?.ChecksVerifier == true) return PkceSupport.KnownProvider;
        if (options.AcceptUnadvertisedPkce) return PkceSupport.Accepted;
        throw new ProtocolViolationException(
            "pkce_not_advertised",
            "metadata that promises PKCE with S256",
            "it has no code_challenge_methods_supported",
            "If you know that this server enforces S256 all the same, set AcceptUnadvertisedPkce.");
    }

    private void CheckResponseMode(IReadOnlyList<string>? modes)
    {
        if (options.ResponseMode == ResponseMode.FormPost && modes?.Contains("form_post") != true)
            throw new ProtocolViolationException("response_mode", "a server that can answer with form_post", "its metadata does not list it", "Use ResponseMode.Query with this server.");
    }

    // RFC 9449 section 5.1: a server that binds tokens says by which algorithms; our keys have one
    private bool Binds(IReadOnlyList<string>? algorithms)
    {
        if (options.Dpop == DpopUse.Never) return false;
        if (algorithms?.Contains(SignatureAlgorithm.ES256.Name) == true) return true;
        if (options.Dpop == DpopUse.WhenAdvertised) return false;
        throw new ProtocolViolationException(
            "dpop_not_advertised", "metadata that promise tokens bound to a key, by ES256", "dpop_signing_alg_values_supported does not list it", "Use DpopUse.WhenAdvertised to take bearer tokens from this server.");
    }

    // RFC 6749 section 3.1: the endpoint's query is kept, and no parameter of ours may come twice
    private static Uri CheckQuery(Uri endpoint)
    {
        var good = Parameters.TryParse(endpoint.Query.AsSpan().TrimStart('?'), out var query, out _) && !query.Pairs.Any(pair => ClientOptions.OwnParameters.Contains(pair.Key));
        return good ? endpoint : throw new ProtocolViolationException("endpoint_address", "authorization_endpoint without the parameters of a request", "it brings some of its own");
    }

    private Uri Required(string name, string? address) => Optional(name, address)
        ?? throw new ProtocolViolationException("endpoint_missing", $"metadata with {name}", "it has none");

    // Only an address that was parsed and is http(s) ever reaches a browser or a request: no file:, no other program's scheme.
    private Uri? Optional(string name, string? address)
    {
        if (string.IsNullOrEmpty(address)) return null;
        var good = Uri.TryCreate(address, UriKind.Absolute, out var uri) && IsSafe(uri) && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0;
        return good ? uri : throw new ProtocolViolationException("endpoint_address", $"{name} as an https address", $"it is {ServerText.Shown(address)}");
    }

    // http only between a loopback issuer and loopback endpoints
    private bool IsSafe(Uri uri) => Issuer.IsHttpsOrLoopback(uri) && (uri.Scheme == Uri.UriSchemeHttps || !options.Issuer.IsHttps);
}
