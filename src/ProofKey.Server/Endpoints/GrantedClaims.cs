using System.Text.Json.Nodes;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>The claims about a person that a grant opens: by its scope, and one by one (OpenID Connect Core section 5.5).</summary>
internal sealed class GrantedClaims(AccountSource accounts)
{
    /// <summary>What userinfo tells.</summary>
    public async ValueTask<JsonObject> ForUserinfoAsync(Grant grant, Scope scope, CancellationToken cancellation)
    {
        var claims = await accounts.ClaimsAsync(grant.Subject, scope, cancellation);
        foreach (var (name, value) in await NamedAsync(grant, ClaimsRequest.OfText(grant.Claims).Userinfo, cancellation))
            claims[name] = value?.DeepClone();
        return claims;
    }

    /// <summary>What the first ID token tells beyond its own claims; <see langword="null"/> for nothing, which is the rule.</summary>
    public async ValueTask<JsonObject?> ForIdTokenAsync(Grant grant, CancellationToken cancellation) =>
        grant.Claims is not null && ClaimsRequest.OfText(grant.Claims).IdToken is { Count: > 0 } names ? await NamedAsync(grant, names, cancellation) : null;

    private async ValueTask<JsonObject> NamedAsync(Grant grant, IReadOnlyList<string> names, CancellationToken cancellation)
    {
        if (names.Count == 0) return [];
        var known = await accounts.ClaimsAsync(grant.Subject, ClaimsRequest.ScopeFor(names), cancellation);
        foreach (var other in known.Select(claim => claim.Key).Except(names).ToList()) known.Remove(other);
        return known;
    }
}
