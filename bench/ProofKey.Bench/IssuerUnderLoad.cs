using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Bench;

/// <summary>An issuer as its own metadata describes it: nothing here knows whose it is.</summary>
internal sealed record IssuerUnderLoad(string Issuer, Uri AuthorizationEndpoint, Uri TokenEndpoint, JwkSet Keys, bool NamesItself)
{
    /// <summary>Where APIs ask about tokens, if they may.</summary>
    public Uri? IntrospectionEndpoint { get; private init; }

    public static async Task<IssuerUnderLoad> DiscoverAsync(string issuer)
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri(issuer.TrimEnd('/') + "/.well-known/openid-configuration"));
        var metadata = JsonSerializer.Deserialize(text, Wire.Default.ServerMetadata)!;
        if (metadata.Issuer != issuer) throw new InvalidOperationException($"The issuer calls itself {metadata.Issuer}, not {issuer}.");
        var keys = await http.GetByteArrayAsync(new Uri(metadata.JwksUri!));
        if (!JwkSet.TryParse(keys, out var set, out var problem)) throw new InvalidOperationException(problem);
        return new(issuer, new Uri(metadata.AuthorizationEndpoint!), new Uri(metadata.TokenEndpoint!), set, metadata.AuthorizationResponseIssuerParameterSupported == true)
        {
            IntrospectionEndpoint = metadata.IntrospectionEndpoint is { } introspection ? new Uri(introspection) : null,
        };
    }
}

/// <summary>The public client that signs people in, as it is registered.</summary>
/// <param name="Id">Its <c>client_id</c>.</param>
/// <param name="RedirectUri">Its redirect URI; nothing has to listen there.</param>
/// <param name="Scope">What it asks for.</param>
/// <param name="Rotates">Whether each refresh must bring another refresh token, and the one before is refused.</param>
/// <param name="Resource">The API that access tokens are for, where the issuer wants to be told.</param>
internal sealed record LoadClient(string Id, string RedirectUri, string Scope, bool Rotates, string? Resource = null);
