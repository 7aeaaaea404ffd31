using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Testing;

/// <summary>What was granted, and how it is renewed and ends.</summary>
public sealed partial class ScriptedServer
{
    private readonly Lock _grants = new();
    private readonly Dictionary<string, Grant> _refreshTokens = [];
    private readonly ConcurrentDictionary<string, Access> _accessTokens = new();

    private sealed class Grant
    {
        public required string Scope { get; init; }

        public required string Current { get; set; }

        public string? Thumbprint { get; init; }

        public bool Revoked { get; set; }
    }

    private sealed record Access(Grant Grant, DateTimeOffset ExpiresAt);

    /// <summary>How often a refresh token came that was spent already.</summary>
    public int Reuses { get; private set; }

    private Grant NewGrant(HttpContext context, string scope)
    {
        var grant = new Grant { Scope = scope, Current = Remember(Secret.NewText()), Thumbprint = ThumbprintIn(context) };
        lock (_grants) _refreshTokens[grant.Current] = grant;
        return grant;
    }

    private Task RefreshAsync(HttpContext context, string refreshToken)
    {
        Grant? grant;
        lock (_grants)
        {
            if (!_refreshTokens.TryGetValue(refreshToken, out grant) || grant.Revoked) return ErrorAsync(context, "invalid_grant");
            if (grant.Thumbprint != ThumbprintIn(context)) return ErrorAsync(context, "invalid_grant");
            if (grant.Current != refreshToken)
            {
                Reuses++;
                grant.Revoked = true;
                return ErrorAsync(context, "invalid_grant");
            }
            grant.Current = Remember(Secret.NewText());
            _refreshTokens[grant.Current] = grant;
        }
        return TokensAsync(context, grant, null);
    }

    private Task TokensAsync(HttpContext context, Grant grant, string? nonce)
    {
        var accessToken = Remember(Secret.NewText());
        var tokens = new JsonObject
        {
            ["access_token"] = accessToken,
            ["token_type"] = ThumbprintIn(context) is null ? "Bearer" : "DPoP",
            ["expires_in"] = AccessTokenSeconds,
            ["scope"] = grant.Scope,
        };
        if (ThumbprintIn(context) is { } thumbprint) _bound[accessToken] = thumbprint;
        if (GivesRefreshTokens) tokens["refresh_token"] = grant.Current;
        if (Scope.Parse(grant.Scope).Contains(Scope.OpenId)) tokens["id_token"] = IdToken(nonce, accessToken);
        SpoilTokens?.Invoke(tokens);
        // Also one that a test gives in its place.
        var given = tokens["access_token"] is JsonValue value && value.TryGetValue<string>(out var text) ? text : accessToken;
        _accessTokens[given] = new Access(grant, Now.AddSeconds(AccessTokenSeconds));
        return JsonAsync(context, 200, tokens.ToJsonString());
    }

    // RFC 6750 section 3.1: one that has ended, was taken back, or was never given
    private bool IsLive(string accessToken)
    {
        if (!_accessTokens.TryGetValue(accessToken, out var access) || access.ExpiresAt <= Now) return false;
        lock (_grants) return !access.Grant.Revoked;
    }

    private Task UserInfoAsync(HttpContext context)
    {
        var claims = new JsonObject { ["sub"] = Subject, ["email"] = "alice@example.com" };
        SpoilUserInfo?.Invoke(claims);
        var authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.StartsWith("DPoP ", StringComparison.Ordinal)) return BoundAsync(context, Nonce, () => JsonAsync(context, 200, claims.ToJsonString()));
        var bearer = authorization.StartsWith("Bearer ", StringComparison.Ordinal) ? authorization["Bearer ".Length..] : "";
        if (IsLive(bearer) && !_bound.ContainsKey(bearer)) return JsonAsync(context, 200, claims.ToJsonString());
        context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        return JsonAsync(context, 401, "{}");
    }

    // RFC 7009 section 2.1: either token will do, and the whole grant ends with it
    private async Task RevokeAsync(HttpContext context)
    {
        var form = (await context.Request.ReadFormAsync()).ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        Revocations.Enqueue(form);
        var grant = _accessTokens.GetValueOrDefault(form["token"])?.Grant;
        lock (_grants)
            if (grant is not null || _refreshTokens.TryGetValue(form["token"], out grant)) grant.Revoked = true;
    }
}
