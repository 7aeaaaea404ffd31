using System.Text.Json;
using System.Text.Json.Nodes;
using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>
/// Finds the server's endpoints (RFC 8414 section 3, OpenID Connect Discovery section 4) and checks them before anything is sent there.
/// </summary>
internal sealed class Discovery(ClientOptions options, Backchannel backchannel)
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    private readonly ProviderEntry? _provider = KnownProviders.Find(options.Issuer);

    private readonly IssuerRule _issuers = IssuerRule.Of(options.Issuer);

    private sealed record Copy(AuthorizationServer Server, DateTimeOffset ReadAt);

    private Copy? _copy;

    /// <summary>The server as a session needs it, which a change in what it says of signing in does not end.</summary>
    public async Task<AuthorizationServer> GetAsync(CancellationToken cancel) => (await ReadOrKeepAsync(cancel)).Server;

    /// <summary>The server as a sign-in needs it.</summary>
    public async Task<SignInServer> ForSignInAsync(CancellationToken cancel)
    {
        var copy = await ReadOrKeepAsync(cancel);
        try
        {
            return SignInServer.Check(copy.Server, options, _provider);
        }
        catch (ProtocolViolationException)
        {
            // The next try reads them again: whoever runs the server may have mended them.
            Interlocked.CompareExchange(ref _copy, copy with { ReadAt = DateTimeOffset.MinValue }, copy);
            throw;
        }
    }

    private async Task<Copy> ReadOrKeepAsync(CancellationToken cancel)
    {
        var copy = Volatile.Read(ref _copy);
        var now = options.TimeProvider.GetUtcNow();
        // A clock that was set back makes nothing young for ever. What has members of a wrong type may be mended at any time.
        if (copy is { Server.Metadata.Misshapen: [] } && (now - copy.ReadAt).Duration() < MaxAge) return copy;
        try
        {
            var metadata = await ReadAsync(cancel);
            var fresh = new Copy(Check(metadata), now);
            Volatile.Write(ref _copy, fresh);
            if (SignInServer.PkceOf(metadata, options, _provider) is { } pkce) options.Emit(new ClientEvent.MetadataRead(options.Issuer.Value, pkce));
            return fresh;
        }
        catch (AuthorizationServerUnavailableException) when (copy is not null)
        {
            // The last good copy outlives an outage of the metadata alone.
            return copy;
        }
    }

    // Both forms are in use. Who asks for openid is more likely to find all that it needs under the OpenID Connect one.
    private async Task<DiscoveredMetadata> ReadAsync(CancellationToken cancel)
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

    private DiscoveredMetadata Parse(Answer answer)
    {
        var json = JsonObject.Create(answer.Object())!;
        List<string> misshapen = [];
        while (true)
        {
            try
            {
                return CheckIssuer(json.Deserialize(MetadataJson.Default.DiscoveredMetadata)! with { Misshapen = misshapen });
            }
            catch (JsonException wrong)
            {
                var name = wrong.Path?.Split('.', '[').ElementAtOrDefault(1);
                // Without these there is no renewal; the rest is refused by what needs it.
                if (name is null or "issuer" or "token_endpoint" or "jwks_uri" || !json.Remove(name)) throw Endpoints.Malformed(name ?? "issuer");
                misshapen.Add(name);
            }
        }
    }

    // RFC 8414 section 3.3, OpenID Connect Discovery section 4.3: identical, to the character
    private DiscoveredMetadata CheckIssuer(DiscoveredMetadata metadata) => metadata.Issuer == _issuers.InMetadata
        ? metadata
        : throw new ProtocolViolationException(
            "metadata_issuer",
            $"metadata of the issuer {_issuers.InMetadata}",
            $"it names the issuer {ServerText.Shown(metadata.Issuer)}{Difference(metadata.Issuer, _issuers.InMetadata)}",
            _provider?.Remedy("metadata_issuer") ?? "Write the issuer exactly as the server does, down to the slash at its end; if it names another host, do not go on.");

    // Where two addresses differ is hard to see.
    internal static string Difference(string named, string expected) =>
        named.TrimEnd('/') == expected.TrimEnd('/') ? ", which differs by the slash at its end alone"
        : named.Equals(expected, StringComparison.OrdinalIgnoreCase) ? ", which differs by small and capital letters alone"
        : "";

    private AuthorizationServer Check(DiscoveredMetadata metadata)
    {
        var endpoints = new Endpoints(options.Issuer, metadata.Misshapen);
        var keysNeeded = options.Scope.Contains(Scope.OpenId);
        return new AuthorizationServer(
            endpoints.Required("token_endpoint", metadata.TokenEndpoint),
            keysNeeded ? endpoints.Required("jwks_uri", metadata.JwksUri) : endpoints.Optional("jwks_uri", metadata.JwksUri),
            EndSession.EndpointIn(metadata, endpoints, _provider),
            _issuers,
            metadata,
            endpoints);
    }
}
