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
        // RFC 7009 section 2.2: an unknown token is answered like a revoked one. The hint is not needed: the forms differ.
        if (GrantIdOf(token) is not { } id || await grants.FindAsync(id, context.RequestAborted) is not { } grant) return;
        // RFC 7009 section 2.1: only the client that the token was issued to
        if (grant.ClientId != client.Id)
        {
            await RefuseAsync(context, new Refusal(OAuthError.InvalidGrant("The token was issued to another client."), "The grant belongs to another client."));
            return;
        }
        var audited = new AuditEvent("grant-revoked") { Subject = grant.Subject, ClientId = client.Id, Address = ClientAddress.Whole(context), Detail = Convert.ToHexStringLower(id) };
        if (await grants.RevokeAsync(id, time.GetUtcNow(), audited)) Log.Revoked(logger, Convert.ToHexStringLower(id), client.Id);
    }

    private byte[]? GrantIdOf(string token)
    {
        if (RefreshToken.Open(token, keys) is { } refreshToken) return refreshToken.GrantId;
        var expected = new JwtExpectations { Issuer = options.Issuer.Value, Types = [TokenIssuer.AccessTokenType], AllowExpired = true };
        return Jwt.Verify(token, keys.PublicKeys, expected, time.GetUtcNow()).TryGet(out var accessToken, out _)
            && accessToken.Text(TokenIssuer.GrantIdClaim) is { } text && Base64UrlText.TryDecode(text, out var id) ? id : null;
    }

    private Task RefuseAsync(HttpContext context, Refusal refusal, int status = StatusCodes.Status400BadRequest)
    {
        Log.Refused(logger, Path, null, refusal.Error.Code, refusal.Reason);
        return Answers.ErrorAsync(context, refusal.Error, status);
    }
}
