using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// Tells an API or a confidential client whether a token is good (RFC 7662). It reads the grant row, so whatever ended the grant is seen at
/// once. A client sees the tokens issued to it, and those for the API that it is registered as; any other token is not active.
/// </summary>
internal sealed class IntrospectionEndpoint(
    ClientAuthentication authentication, ClientStore clients, GrantStore grants, KeyRing keys, TokenIssuer issuer, ServerOptions options, TimeProvider time, ILogger<IntrospectionEndpoint> logger)
{
    public const string Path = "/introspect";

    private static readonly Refusal NotProved = OAuthError.InvalidClient("Authenticate as a confidential client to introspect tokens.")!;

    private readonly JwtExpectations _expected = new() { Issuer = options.Issuer.Value, Types = [TokenIssuer.AccessTokenType], ClockSkew = TimeSpan.Zero };

    public async Task PostAsync(HttpContext context)
    {
        var read = await FormReader.ReadOnceAsync(context);
        if (!read.TryGet(out var form, out var problem))
            await RefuseAsync(context, null, OAuthError.InvalidRequest(problem)!, read.Status);
        else if (!(await CallerAsync(context, form)).TryGet(out var caller, out var refusal))
            await RefuseAsync(context, null, refusal, refusal.Status);
        else if (form["token"] is not { } token)
            await RefuseAsync(context, caller.Id, OAuthError.InvalidRequest("The request must have a token.")!, StatusCodes.Status400BadRequest);
        else
            await AnswerAsync(context, await FindAsync(token, caller, context.RequestAborted));
    }

    // RFC 7662 section 2.1: nobody learns anything about a token without proving who they are
    private async ValueTask<ClientResult> CallerAsync(HttpContext context, Parameters form)
    {
        if (context.Request.Headers.Authorization.Count == 0 && form["client_id"] is null && form["client_assertion"] is null) return new(null, NotProved);
        var result = await authentication.IdentifyAsync(context, form);
        return result.Client is { IsPublic: true } ? new(null, NotProved) : result;
    }

    // RFC 7662 section 2.1: the hint is not needed, since the forms differ
    private async ValueTask<TokenFacts?> FindAsync(string text, RegisteredClient caller, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (RefreshToken.Open(text, keys) is { } refreshToken)
        {
            var grant = await grants.FindLivingAsync(refreshToken.GrantId, now, cancellation);
            // RFC 7662 section 4: a refresh token is its client's affair alone
            return grant?.ClientId == caller.Id ? TokenFacts.Of(refreshToken, grant, issuer.AudienceOf(grant.Resource, caller), options.Issuer.Value, options.Rotation, now) : null;
        }
        if (!Jwt.Verify(text, keys.PublicKeys, _expected, now).TryGet(out var token, out _) || !TokenFacts.MaySee(caller, token)) return null;
        if (token.Text(TokenIssuer.GrantIdClaim) is { } id)
            return Base64UrlText.TryDecode(id, out var grantId) && await grants.FindLivingAsync(grantId, now, cancellation) is { } grant ? TokenFacts.Of(token, grant) : null;
        // A client's own token has no row: it is good while the client is registered for such tokens.
        return token.Text("client_id") is { } owner && await clients.FindAsync(owner, cancellation) is { } client && client.GrantTypes.Contains(GrantType.ClientCredentials) ? TokenFacts.Of(token, null) : null;
    }

    private static Task AnswerAsync(HttpContext context, TokenFacts? facts)
    {
        Answers.NoStore(context);
        return Answers.JsonAsync(context, TokenFacts.ToJson(facts));
    }

    private Task RefuseAsync(HttpContext context, string? clientId, Refusal refusal, int status)
    {
        if (status == StatusCodes.Status401Unauthorized) context.Response.Headers.WWWAuthenticate = ClientAuthentication.Challenge;
        return Answers.RefuseAsync(context, logger, Path, clientId, refusal, status);
    }
}
