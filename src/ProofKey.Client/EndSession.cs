using System.Collections.Frozen;
using System.Text.Json;
using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>Where a person ends the server's own session in a browser (OpenID Connect RP-Initiated Logout). A courtesy: whatever is wrong with it, no sign-in, renewal or revocation fails.</summary>
internal static class EndSession
{
    // OpenID Connect RP-Initiated Logout section 2
    private static readonly FrozenSet<string> Own = FrozenSet.Create("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales");

    /// <summary>The endpoint that the metadata name, if it may be opened and no parameter of a request would come twice.</summary>
    public static Uri? EndpointIn(DiscoveredMetadata metadata, Endpoints endpoints, ProviderEntry? provider)
    {
        if (provider?.OwnLogout is not null || metadata.EndSessionEndpoint.ValueKind != JsonValueKind.String) return null;
        if (!endpoints.TryParse(metadata.EndSessionEndpoint.GetString(), out var named) || !BrowserAddress.TryMake(named, out var endpoint)) return null;
        var good = Parameters.TryParse(endpoint.Query.AsSpan().TrimStart('?'), out var query, out _) && !query.Pairs.Any(pair => Own.Contains(pair.Key));
        return good ? endpoint : null;
    }

    /// <summary>The address for one client.</summary>
    // OpenID Connect RP-Initiated Logout section 2: without a hint the provider asks the person; an ID token in an address would be read by whoever sees a screen, a log or a history
    public static Uri AddressAt(Uri endpoint, string clientId) => new(RedirectUri.Append(endpoint.AbsoluteUri, Parameters.Of(new KeyValuePair<string, string>("client_id", clientId))));
}
