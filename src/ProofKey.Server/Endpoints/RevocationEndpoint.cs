using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// Revokes a refresh or access token (RFC 7009 section 2): either one ends its whole grant. Public clients revoke with their id alone. A token
/// that is none of ours is as good as revoked.
/// </summary>
internal sealed class RevocationEndpoint(ClientAuthentication authentication, GrantStore grants, KeyRing keys, ServerOptions options, TimeProvider time, ILogger<RevocationEndpoint> logger)
{
    public const string Path = "/revoke";

    public async Task PostAsync(HttpContext context)
    {
        var read = await FormReader.ReadOnceAsync(context);
        if (!read.TryGet(out var form, out var problem))
            await RefuseAsync(context, OAuthError.InvalidRequest(problem), read.Status);
        else if (!(await authentication.IdentifyAsync(context, form)).TryGet(out var client, out var refusal))
            await RefuseAsync(context, refusal, refusal.Status);
        else if (form["token"] is not { } token)
            await RefuseAsync(context, OAuthError.InvalidRequest("The request must have a token."));
        else
            await RevokeAsync(context, client, token);
    }

    private async Task RevokeAsync(HttpContext context, RegisteredClient client, string token)
    {
        Answers.NoStore(context);
        var (grantId, owner) = Read(token);
        // RFC 7009 section 2.2.1: a client's own token has no row that could say that it is revoked
        if (grantId is null && owner == client.Id)
            await RefuseAsync(context, new OAuthError("unsupported_token_type", "A token of client_credentials cannot be revoked: it ends by itself within minutes."));
        // RFC 7009 section 2.2: an unknown token is answered like a revoked one. The hint is not needed: the forms differ.
        if (grantId is null || await grants.FindAsync(grantId, context.RequestAborted) is not { } grant) return;
        // RFC 7009 section 2.1: only the client that the token was issued to
        if (grant.ClientId != client.Id)
        {
            await RefuseAsync(context, new Refusal(OAuthError.InvalidGrant("The token was issued to another client."), "The grant belongs to another client."));
            return;
        }
        var grantName = Convert.ToHexStringLower(grantId);
        var audited = new AuditEvent("grant-revoked") { Subject = grant.Subject, ClientId = client.Id, Address = ClientAddress.Whole(context), Detail = grantName };
        if (await grants.RevokeAsync(grantId, time.GetUtcNow(), audited)) Log.Revoked(logger, grantName, client.Id);
    }

    // The grant of a token, or the client whose own it is.
    private (byte[]? GrantId, string? Owner) Read(string text)
    {
        if (RefreshToken.Open(text, keys) is { } refreshToken) return (refreshToken.GrantId, null);
        var expected = new JwtExpectations { Issuer = options.Issuer.Value, Types = [TokenIssuer.AccessTokenType], AllowExpired = true };
        if (!Jwt.Verify(text, keys.PublicKeys, expected, time.GetUtcNow()).TryGet(out var token, out _)) return default;
        if (token.Text(TokenIssuer.GrantIdClaim) is not { } id) return (null, token.Text("client_id"));
        return Base64UrlText.TryDecode(id, out var grantId) ? (grantId, null) : default;
    }

    private Task RefuseAsync(HttpContext context, Refusal refusal, int status = StatusCodes.Status400BadRequest) =>
        Answers.RefuseAsync(context, logger, Path, null, refusal, status);
}
