using System.Globalization;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>Bearer tokens over HTTP (RFC 6750): finds the token, has it judged, and answers for it.</summary>
internal sealed class BearerHandler(IOptionsMonitor<ResourceServerOptions> options, ILoggerFactory loggers, UrlEncoder encoder, SigningKeys keys)
    : AuthenticationHandler<ResourceServerOptions>(options, loggers, encoder)
{
    private static readonly JwkSet NoKeys = new();

    private Refusal? _refusal;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var token = BearerCredentials.Read(Request, out var malformed);
        if (malformed is not null) return Refuse(Refusal.InvalidRequest(malformed));
        if (token is null) return AuthenticateResult.NoResult();

        var (accepted, refusal) = await JudgeAsync(token);
        if (accepted is null) return Refuse(refusal!);
        // Last, so that nobody without a good token makes us read a body.
        if (await BearerCredentials.FindInFormAsync(Request, Context.RequestAborted) is { } second) return Refuse(Refusal.InvalidRequest(second));

        Response.OnStarting(KeepOutOfSharedCaches, Response);
        return AuthenticateResult.Success(new AuthenticationTicket(AccessTokenPrincipal.From(accepted), Scheme.Name));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        await HandleAuthenticateOnceSafeAsync();
        if (_refusal is null) Log.NoCredentials(Logger);
        Response.StatusCode = _refusal?.Status ?? StatusCodes.Status401Unauthorized;
        Response.Headers.CacheControl = "no-store";
        if (_refusal?.RetryAfter is { } wait) Response.Headers.RetryAfter = ((int)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        else Challenge(_refusal?.Error);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status403Forbidden;
        Response.Headers.CacheControl = "no-store";
        var required = RequiredScope();
        // Another policy than ours may have said no: then a wider scope would not help.
        if (ScopeRequirement.IsMet(required, Context.User)) return Task.CompletedTask;
        Log.InsufficientScope(Logger, required);
        Challenge(new OAuthError("insufficient_scope", "The access token does not have the scope that this needs."), required);
        return Task.CompletedTask;
    }

    private static Task KeepOutOfSharedCaches(object response)
    {
        var headers = ((HttpResponse)response).Headers;
        if (headers.CacheControl.Count == 0) headers.CacheControl = "private";
        return Task.CompletedTask;
    }

    private async Task<(Jwt? Accepted, Refusal? Refusal)> JudgeAsync(string token)
    {
        // Among no keys at all, a token is at best signed with an unknown one; any other problem needs no network.
        if (Verify(token, NoKeys, out var problem) is null && problem!.Code != JwtProblem.UnknownKey) return (null, Refusal.InvalidToken(problem));

        if (await keys.GetAsync(Context.RequestAborted) is not { } known) return (null, Refusal.NoKeys(SigningKeys.FailurePause));
        if (Verify(token, known, out problem) is { } accepted) return (accepted, null);
        if (problem!.Code != JwtProblem.UnknownKey) return (null, Refusal.InvalidToken(problem));

        // The issuer may have begun to sign with a new key: the request that meets it waits for it.
        if (await keys.GetNewerThanAsync(known, Context.RequestAborted) is not { } newer) return (null, Refusal.NoKeys(SigningKeys.UnknownKeyPause));
        return Verify(token, newer, out problem) is { } late ? (late, null) : (null, Refusal.InvalidToken(problem!));
    }

    private Jwt? Verify(string token, JwkSet set, out JwtProblem? problem) =>
        AccessTokenVerifier.TryVerify(token, set, Options.Expectations, TimeProvider.GetUtcNow(), out var accepted, out problem) ? accepted : null;

    private AuthenticateResult Refuse(Refusal refusal)
    {
        _refusal = refusal;
        Log.Rejected(Logger, refusal.Code, refusal.Reason);
        return AuthenticateResult.Fail(refusal.Reason);
    }

    private Scope RequiredScope() =>
        Context.GetEndpoint()?.Metadata.GetOrderedMetadata<RequireScopeAttribute>().Aggregate(Scope.None, (all, one) => all.Union(one.Required)) ?? Scope.None;

    // RFC 6750 section 3: at least one parameter follows the scheme; without credentials, no error code (section 3.1).
    private void Challenge(OAuthError? error, Scope? scope = null)
    {
        var challenge = $"{ResourceServerOptions.SchemeName} realm=\"{Options.Audience}\"";
        if (error is not null) challenge += $", error=\"{error.Code}\", error_description=\"{error.Description}\"";
        if (scope is not null) challenge += $", scope=\"{scope}\"";
        Response.Headers.Append(HeaderNames.WWWAuthenticate, challenge);
        // Scripts of other origins read the reason where the app's CORS policy lets them read the answer at all.
        if (Request.Headers.Origin.Count > 0) Response.Headers.Append(HeaderNames.AccessControlExposeHeaders, HeaderNames.WWWAuthenticate);
    }
}
