using System.Text.Json;
using System.Text.Json.Nodes;
using ProofKey.Jose;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>The one door that issues tokens.</summary>
internal sealed class TokenIssuer(KeyRing keys, ServerOptions options)
{
    /// <summary>The type of an access token (RFC 9068 section 2.1).</summary>
    public const string AccessTokenType = "at+jwt";

    /// <summary>The claim that names the grant row, so that a revocation reaches userinfo at once.</summary>
    public const string GrantIdClaim = "gid";

    private readonly string _issuer = options.Issuer.Value;

    /// <summary>Makes the answer of the token endpoint.</summary>
    /// <param name="grant">The row, just inserted or rotated.</param>
    /// <param name="client">Its client.</param>
    /// <param name="scope">The scope of this access token: the grant's, or a part of it.</param>
    /// <param name="refreshToken">The refresh token to hand out.</param>
    /// <param name="nonce">The nonce of the authorization request; none at a refresh (OpenID Connect Core section 12.2).</param>
    /// <param name="now">The time.</param>
    /// <param name="boundTo">The key of the request's proof. Without one, tokens are bound to the grant's key, if it has one.</param>
    /// <param name="claims">What the ID token tells about the person beyond who it is, where the client asked for that; none at a refresh, where userinfo tells the same.</param>
    public TokenResponse Issue(
        Grant grant, RegisteredClient client, Scope scope, RefreshToken refreshToken, string? nonce, DateTimeOffset now, byte[]? boundTo = null, JsonObject? claims = null)
    {
        boundTo ??= grant.DpopThumbprint;
        // No token outlives its grant.
        var expiresAt = grant.ExpiresAt < now + options.AccessTokenLifetime ? grant.ExpiresAt : now + options.AccessTokenLifetime;
        var accessToken = Jwt.Sign(keys.SigningKeyFor(SignatureAlgorithm.ES256), AccessTokenType, new AccessTokenFacts(grant, client, scope, AudienceOf(grant.Resource, client), now, expiresAt, _issuer, boundTo), WriteAccessToken);
        return new TokenResponse
        {
            AccessToken = accessToken,
            // RFC 9449 section 5: a client that sent a proof learns that its token needs one
            TokenType = boundTo is null ? "Bearer" : Dpop.Scheme,
            ExpiresIn = expiresAt.ToUnixTimeSeconds() - now.ToUnixTimeSeconds(),
            RefreshToken = client.GrantTypes.Contains(GrantType.RefreshToken) ? refreshToken.Seal(keys) : null,
            Scope = scope.IsEmpty ? null : scope.ToString(),
            // OpenID Connect Core section 3.1.2.1: without openid there is no ID token
            IdToken = scope.Contains(Scope.OpenId) ? IdToken(client, new IdTokenFacts(grant, client, accessToken, nonce, claims, now, expiresAt, _issuer)) : null,
        };
    }

    /// <summary>Makes the answer to a client that asked for a token of its own: no refresh token (RFC 6749 section 4.4.3), no ID token.</summary>
    public TokenResponse IssueToClient(RegisteredClient client, ClientCredentialsGrant granted, DateTimeOffset now, byte[]? boundTo)
    {
        var facts = new AccessTokenFacts(null, client, granted.Scope, AudienceOf(granted.Resource, client), now, now + options.AccessTokenLifetime, _issuer, boundTo);
        return new TokenResponse
        {
            AccessToken = Jwt.Sign(keys.SigningKeyFor(SignatureAlgorithm.ES256), AccessTokenType, facts, WriteAccessToken),
            TokenType = boundTo is null ? "Bearer" : Dpop.Scheme,
            ExpiresIn = (long)options.AccessTokenLifetime.TotalSeconds,
            Scope = granted.Scope.IsEmpty ? null : granted.Scope.ToString(),
        };
    }

    /// <summary>The one API that an access token is for: the one that was granted, else the client's default, else the server itself.</summary>
    public string AudienceOf(string? resource, RegisteredClient client) => resource ?? client.Audience ?? _issuer;

    private string IdToken(RegisteredClient client, IdTokenFacts facts) => Jwt.Sign(keys.SigningKeyFor(client.IdTokenAlgorithm), "JWT", facts, WriteIdToken);

    // RFC 9068 section 2.2
    private static void WriteAccessToken(Utf8JsonWriter claims, AccessTokenFacts facts)
    {
        claims.WriteString("iss"u8, facts.Issuer);
        // RFC 9068 section 2.2: without a person the subject is the client. No person's subject is ever a client's id (section 5).
        claims.WriteString("sub"u8, facts.Grant?.Subject ?? facts.Client.Id);
        claims.WriteString("aud"u8, facts.Audience);
        claims.WriteString("client_id"u8, facts.Client.Id);
        claims.WriteNumber("iat"u8, facts.Now.ToUnixTimeSeconds());
        claims.WriteNumber("exp"u8, facts.ExpiresAt.ToUnixTimeSeconds());
        claims.WriteString("jti"u8, Secret.NewText(16));
        if (facts.Grant is { } grant)
        {
            claims.WriteString(GrantIdClaim, Base64UrlText.Encode(grant.Id));
            WriteAuthentication(claims, grant);
        }
        if (!facts.Scope.IsEmpty) claims.WriteString("scope"u8, facts.Scope.ToString());
        if (facts.BoundTo is { } thumbprint) WriteConfirmation(claims, thumbprint);
    }

    // RFC 9449 section 6.1
    private static void WriteConfirmation(Utf8JsonWriter claims, byte[] thumbprint)
    {
        claims.WriteStartObject("cnf"u8);
        claims.WriteString("jkt"u8, Base64UrlText.Encode(thumbprint));
        claims.WriteEndObject();
    }

    // OpenID Connect Core section 2 and section 3.1.3.6
    private static void WriteIdToken(Utf8JsonWriter claims, IdTokenFacts facts)
    {
        claims.WriteString("iss"u8, facts.Issuer);
        claims.WriteString("sub"u8, facts.Grant.Subject);
        claims.WriteString("aud"u8, facts.Grant.ClientId);
        claims.WriteNumber("iat"u8, facts.Now.ToUnixTimeSeconds());
        claims.WriteNumber("exp"u8, facts.ExpiresAt.ToUnixTimeSeconds());
        WriteAuthentication(claims, facts.Grant);
        // OpenID Connect Back-Channel Logout section 2.1: by this name the client later hears which session ended
        if (facts.Client.KnowsSessions && facts.Grant.SessionId is { } sessionId) claims.WriteString("sid"u8, BrowserSession.NameOf(sessionId));
        if (facts.Nonce is not null) claims.WriteString("nonce"u8, facts.Nonce);
        Span<byte> digest = stackalloc byte[Secret.DigestLength];
        Secret.Digest(facts.AccessToken, digest);
        claims.WriteString("at_hash"u8, Base64UrlText.Encode(digest[..16]));
        if (facts.Claims is null) return;
        foreach (var (name, value) in facts.Claims)
        {
            claims.WritePropertyName(name);
            if (value is null) claims.WriteNullValue();
            else value.WriteTo(claims);
        }
    }

    // RFC 9470 section 6, RFC 9068 section 2.2.1: an API sees when, how and how well the person signed in
    private static void WriteAuthentication(Utf8JsonWriter claims, Grant grant)
    {
        claims.WriteNumber("auth_time"u8, grant.AuthTime.ToUnixTimeSeconds());
        if (grant.Acr is not null) claims.WriteString("acr"u8, grant.Acr);
        claims.WriteStartArray("amr"u8);
        foreach (var range in grant.Amr.AsSpan().Split(' ')) claims.WriteStringValue(grant.Amr.AsSpan()[range]);
        claims.WriteEndArray();
    }

    private readonly record struct AccessTokenFacts(Grant? Grant, RegisteredClient Client, Scope Scope, string Audience, DateTimeOffset Now, DateTimeOffset ExpiresAt, string Issuer, byte[]? BoundTo);

    private readonly record struct IdTokenFacts(Grant Grant, RegisteredClient Client, string AccessToken, string? Nonce, JsonObject? Claims, DateTimeOffset Now, DateTimeOffset ExpiresAt, string Issuer);
}
