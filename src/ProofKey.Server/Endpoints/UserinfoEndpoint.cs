using System.Text;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>Claims about the person (OpenID Connect Core section 5.3). It reads the grant row, so a revocation is seen at once.</summary>
internal sealed class UserinfoEndpoint(GrantStore grants, AccountSource accounts, KeyRing keys, ServerOptions options, TimeProvider time, ILogger<UserinfoEndpoint> logger)
{
    public const string Path = "/userinfo";

    private static readonly OAuthError NotGood = OAuthError.InvalidToken("The access token is unknown, expired or revoked.");

    private readonly JwtExpectations _expected = new() { Issuer = options.Issuer.Value, Types = [TokenIssuer.AccessTokenType], ClockSkew = TimeSpan.Zero };

    public async Task HandleAsync(HttpContext context)
    {
        Answers.NoStore(context);
        var header = context.Request.Headers.Authorization;
        // RFC 6750 section 3.1: who sent no token at all learns how to send one, and no error code
        if (header.Count == 0)
        {
            Challenge(context, StatusCodes.Status401Unauthorized, "Bearer");
            return;
        }
        var token = header.Count == 1 && header[0] is { } value && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value["Bearer ".Length..].Trim() : null;
        if (!Jwt.Verify(token, keys.PublicKeys, _expected, time.GetUtcNow()).TryGet(out var accessToken, out var problem))
            Refuse(context, NotGood, problem.Message);
        // RFC 9449 section 7.2: a bound token is worth nothing as a bearer token
        else if (accessToken.Claims.TryGetProperty("cnf", out _))
            Refuse(context, NotGood, "A bound token came as a bearer token.");
        else if (await FindGrantAsync(accessToken, context) is not { } grant)
            Refuse(context, NotGood, "The grant is revoked or gone.");
        else if (!Scope.Parse(accessToken.Text("scope")).Contains(Scope.OpenId))
            Challenge(context, StatusCodes.Status403Forbidden, "Bearer error=\"insufficient_scope\", error_description=\"The access token lacks the scope openid.\", scope=\"openid\"");
        else
            await AnswerAsync(context, grant, Scope.Parse(accessToken.Text("scope")));
    }

    private async ValueTask<Grant?> FindGrantAsync(Jwt accessToken, HttpContext context)
    {
        if (accessToken.Text(TokenIssuer.GrantIdClaim) is not { } text || !Base64UrlText.TryDecode(text, out var id)) return null;
        var grant = await grants.FindAsync(id, context.RequestAborted);
        var lives = grant is { RevokedAt: null, Stands: true } && grant.ExpiresAt > time.GetUtcNow();
        return lives && (accounts.KeepsAccountsHere || await accounts.StandsAsync(grant!.Subject, grant.Epoch, context.RequestAborted)) ? grant : null;
    }

    private async Task AnswerAsync(HttpContext context, Grant grant, Scope scope)
    {
        var claims = await accounts.ClaimsAsync(grant.Subject, scope, context.RequestAborted);
        claims["sub"] = grant.Subject;
        await Answers.JsonAsync(context, Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }

    private void Refuse(HttpContext context, OAuthError error, string reason)
    {
        Log.Refused(logger, Path, null, error.Code, reason);
        Challenge(context, StatusCodes.Status401Unauthorized, $"Bearer error=\"{error.Code}\", error_description=\"{error.Description}\"");
    }

    private static void Challenge(HttpContext context, int status, string challenge)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.WWWAuthenticate = challenge;
    }
}
