using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>Claims about the person (OpenID Connect Core section 5.3). It reads the grant row, so a revocation is seen at once.</summary>
internal sealed class UserinfoEndpoint(
    GrantStore grants, GrantedClaims granted, KeyRing keys, ProofOfPossession possession, ServerOptions options, TimeProvider time, ILogger<UserinfoEndpoint> logger)
{
    public const string Path = "/userinfo";

    private static readonly OAuthError NotGood = OAuthError.InvalidToken("The access token is unknown, expired or revoked.");

    private readonly JwtExpectations _expected = new() { Issuer = options.Issuer.Value, Types = [TokenIssuer.AccessTokenType], ClockSkew = TimeSpan.Zero };

    public async Task HandleAsync(HttpContext context)
    {
        Answers.NoStore(context);
        var now = time.GetUtcNow();
        var header = context.Request.Headers.Authorization;
        // RFC 6750 section 3.1: who sent no token at all learns how to send one, and no error code
        if (header.Count == 0)
        {
            Challenge(context, StatusCodes.Status401Unauthorized, "Bearer", DpopChallenge());
            return;
        }
        var (scheme, token) = header.Count == 1 ? Credentials(header[0]) : ("Bearer", null);
        if (!Jwt.Verify(token, keys.PublicKeys, _expected, now).TryGet(out var accessToken, out var problem))
            Refuse(context, scheme, new Refusal(NotGood, problem.Message));
        else if (PossessionProblem(context, scheme, token!, accessToken, now) is { } unproved)
            Refuse(context, scheme, unproved);
        else if (await FindGrantAsync(accessToken, context) is not { } grant)
            Refuse(context, scheme, new Refusal(NotGood, "The grant is revoked or gone."));
        else if (!Scope.Parse(accessToken.Text("scope")).Contains(Scope.OpenId))
            Challenge(context, StatusCodes.Status403Forbidden, $"{scheme} error=\"insufficient_scope\", error_description=\"The access token lacks the scope openid.\", scope=\"openid\"");
        else
            await AnswerAsync(context, grant, Scope.Parse(accessToken.Text("scope")));
    }

    // RFC 9110 section 11.1: the scheme is case-insensitive
    private static (string Scheme, string? Token) Credentials(string? header)
    {
        foreach (var scheme in (string[])["Bearer", Dpop.Scheme])
            if (header is not null && header.Length > scheme.Length && header[scheme.Length] == ' ' && header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
                return (scheme, header[(scheme.Length + 1)..].Trim(' '));
        return ("Bearer", null);
    }

    private Refusal? PossessionProblem(HttpContext context, string scheme, string token, Jwt accessToken, DateTimeOffset now)
    {
        var isBound = accessToken.Claims.TryGetProperty("cnf", out var confirmation);
        // RFC 9449 section 7.2: a bound token is worth nothing as a bearer token, with or without a proof
        if (scheme == "Bearer") return isBound ? new Refusal(OAuthError.InvalidToken("The access token is bound to a key: send it in the scheme DPoP, with a proof."), "A bound token came as a bearer token.") : null;
        // RFC 9449 section 7.1: and one that is bound to nothing is no DPoP token
        if (!isBound || confirmation.ValueKind != JsonValueKind.Object || !confirmation.TryGetProperty("jkt", out var key) || key.ValueKind != JsonValueKind.String)
            return OAuthError.InvalidToken("The access token is not bound to a key: send it in the scheme Bearer.");
        return possession.Check(context, Path, now, token, key.GetString()).TryGet(out var proof, out var error) ? possession.Use(proof, accessToken.Subject ?? "", now) : error;
    }

    private async ValueTask<Grant?> FindGrantAsync(Jwt accessToken, HttpContext context) =>
        accessToken.Text(TokenIssuer.GrantIdClaim) is { } text && Base64UrlText.TryDecode(text, out var id) ? await grants.FindLivingAsync(id, time.GetUtcNow(), context.RequestAborted) : null;

    private async Task AnswerAsync(HttpContext context, Grant grant, Scope scope)
    {
        var claims = await granted.ForUserinfoAsync(grant, scope, context.RequestAborted);
        claims["sub"] = grant.Subject;
        await Answers.JsonAsync(context, Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }

    private void Refuse(HttpContext context, string scheme, Refusal refusal)
    {
        var error = refusal.Error;
        Log.Refused(logger, Path, null, error.Code, refusal.Reason);
        var details = $"error=\"{error.Code}\", error_description=\"{error.Description}\"";
        if (error.Code == "temporarily_unavailable") Unavailable(context);
        else if (scheme == "Bearer") Challenge(context, StatusCodes.Status401Unauthorized, $"Bearer {details}", DpopChallenge());
        else Challenge(context, StatusCodes.Status401Unauthorized, DpopChallenge(details + ", "));
    }

    // RFC 9449 section 7.1: the challenge names the algorithms that a proof may have
    private static string DpopChallenge(string details = "") => $"{Dpop.Scheme} {details}algs=\"{string.Join(' ', ProofOfPossession.Algorithms.Select(algorithm => algorithm.Name))}\"";

    private static void Unavailable(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = "60";
    }

    private static void Challenge(HttpContext context, int status, params string[] challenges)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.WWWAuthenticate = challenges;
    }
}
