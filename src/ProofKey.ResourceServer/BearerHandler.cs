using System.Globalization;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>Access tokens over HTTP, bearer (RFC 6750) and bound (RFC 9449): finds the token, has it and its proof judged, and answers for both.</summary>
internal sealed class BearerHandler(IOptionsMonitor<ResourceServerOptions> options, ILoggerFactory loggers, UrlEncoder encoder, SigningKeys keys, UsedProofs usedProofs)
    : AuthenticationHandler<ResourceServerOptions>(options, loggers, encoder)
{
    private static readonly JwkSet NoKeys = new();

    private static readonly TimeSpan RoomPause = TimeSpan.FromSeconds(60);

    private static readonly string Algorithms = string.Join(' ', SignatureAlgorithm.All.Select(algorithm => algorithm.Name));

    private Refusal? _refusal;
    private bool _cameWithDpop;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var credentials = BearerCredentials.Read(Request, out var malformed);
        if (malformed is not null) return Refuse(Refusal.InvalidRequest(malformed));
        if (credentials is null) return AuthenticateResult.NoResult();
        _cameWithDpop = credentials.IsDpop;

        var (accepted, refusal) = await JudgeAsync(credentials);
        if (accepted is null) return Refuse(refusal!);
        if (ProofProblem(credentials, accepted) is { } unproved) return Refuse(unproved);
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

    private async Task<(Jwt? Accepted, Refusal? Refusal)> JudgeAsync(AccessTokenCredentials credentials)
    {
        if (Options.RequireDpop && !credentials.IsDpop) return (null, Refusal.InvalidToken(new(AccessTokenVerifier.Unbound, "A bearer token came where only bound ones are accepted.")));
        // Among no keys at all, a token is at best signed with an unknown one; any other problem needs no network.
        if (Verify(credentials, NoKeys, out var problem) is null && problem!.Code != JwtProblem.UnknownKey) return (null, Refusal.InvalidToken(problem));

        if (await keys.GetAsync(Context.RequestAborted) is not { } known) return (null, Refusal.NoKeys(SigningKeys.FailurePause));
        if (Verify(credentials, known, out problem) is { } accepted) return (accepted, null);
        if (problem!.Code != JwtProblem.UnknownKey) return (null, Refusal.InvalidToken(problem));

        // The issuer may have begun to sign with a new key: the request that meets it waits for it.
        if (await keys.GetNewerThanAsync(known, Context.RequestAborted) is not { } newer) return (null, Refusal.NoKeys(SigningKeys.UnknownKeyPause));
        return Verify(credentials, newer, out problem) is { } late ? (late, null) : (null, Refusal.InvalidToken(problem!));
    }

    private Jwt? Verify(AccessTokenCredentials credentials, JwkSet set, out JwtProblem? problem) =>
        AccessTokenVerifier.TryVerify(credentials.Token, set, Options.Expectations, TimeProvider.GetUtcNow(), credentials.IsDpop, out var accepted, out problem) ? accepted : null;

    // RFC 9449 section 7.1: after the token, so that only who holds a good one can fill the memory of proofs.
    private Refusal? ProofProblem(AccessTokenCredentials credentials, Jwt token)
    {
        if (!credentials.IsDpop) return null;
        var now = TimeProvider.GetUtcNow();
        var expected = new DpopExpectations { Method = Request.Method, Address = AddressOfRequest(), AccessToken = credentials.Token, Thumbprint = AccessTokenVerifier.ThumbprintOf(token) };
        if (!DpopProof.Check(Request.Headers[Dpop.HeaderName], expected, now).TryGet(out var proof, out var error)) return Refusal.InvalidProof(error);
        return usedProofs.Use(proof, now) switch
        {
            ProofUse.First => null,
            // RFC 9449 section 11.1
            ProofUse.Replayed => Refusal.InvalidProof(OAuthError.InvalidDpopProof("The DPoP proof was used before; make a new one for each request.")),
            _ => Refusal.NoRoom(RoomPause),
        };
    }

    private string AddressOfRequest() =>
        (Options.PublicAddress?.GetLeftPart(UriPartial.Path).TrimEnd('/') ?? $"{Request.Scheme}://{Request.Host.ToUriComponent()}") + Request.PathBase.ToUriComponent() + Request.Path.ToUriComponent();

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
        var details = $"realm=\"{Options.Audience}\"";
        if (error is not null) details += $", error=\"{error.Code}\", error_description=\"{error.Description}\"";
        if (scope is not null) details += $", scope=\"{scope}\"";
        var wantsDpop = _cameWithDpop || Options.RequireDpop;
        if (!wantsDpop) Response.Headers.Append(HeaderNames.WWWAuthenticate, $"{ResourceServerOptions.SchemeName} {details}");
        // RFC 9449 section 7.1: the algorithms of proofs, to whoever used the scheme, has to use it, or may choose.
        if (wantsDpop) Response.Headers.Append(HeaderNames.WWWAuthenticate, $"{Dpop.Scheme} {details}, algs=\"{Algorithms}\"");
        else if (error is null || _refusal?.Code == AccessTokenVerifier.Bound) Response.Headers.Append(HeaderNames.WWWAuthenticate, $"{Dpop.Scheme} realm=\"{Options.Audience}\", algs=\"{Algorithms}\"");
        // Scripts of other origins read the reason where the app's CORS policy lets them read the answer at all.
        if (Request.Headers.Origin.Count > 0) Response.Headers.Append(HeaderNames.AccessControlExposeHeaders, HeaderNames.WWWAuthenticate);
    }
}
