using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// The one door that issues codes (RFC 6749 section 3.1). Sign-in and consent always come back here, and everything is decided again
/// from scratch: the query is the state.
/// </summary>
internal sealed class AuthorizeEndpoint(
    AuthorizePage page, AccountSource accounts, ConsentStore consents, PushedRequestStore pushedRequests, RepeatedValues repeated, KeyRing keys, Cookies cookies, PageAnswers pages, RateLimits limits, ServerOptions options, TimeProvider time, ILogger<AuthorizeEndpoint> logger)
{
    public const string Path = "/authorize";

    /// <summary>The most characters of parameters that a POST hands on in a query.</summary>
    private const int MaxQueryLength = 4096;

    public async Task GetAsync(HttpContext context)
    {
        var query = await page.ReadUsualAsync(context) ?? await page.ReadAsync(context);
        if (query.TryGetValid(out var request)) await DecideAsync(context, query, request);
        else await RefuseAsync(context, query.Outcome);
    }

    /// <summary>A POST becomes the same request as a GET, so that our cookies come along (OpenID Connect Core section 3.1.2.1).</summary>
    public async Task PostAsync(HttpContext context)
    {
        if (context.Request.QueryString.HasValue)
            await pages.ErrorAsync(context, OAuthError.InvalidRequest("Send the parameters either in the body or in the query, not in both."));
        else if (!(await FormReader.ReadAsync(context)).TryGet(out var parameters, out var problem))
            await pages.ErrorAsync(context, OAuthError.InvalidRequest(problem));
        else if (parameters["claims"] is null && parameters.ToQuery() is { Length: <= MaxQueryLength } query)
            Answers.SeeOther(context, $"{options.Issuer.Path}{Path}?{query}");
        else if ((await page.ReadAsync(context, parameters)).Outcome is var outcome && outcome is not AuthorizeOutcome.Valid)
            await RefuseAsync(context, outcome);
        else if (outcome is AuthorizeOutcome.Valid { Request: { Pushed: null } tooLong } && !PushedRequest.HasRoomFor(tooLong.Parameters))
            await RefuseAsync(context, tooLong, PushedRequest.TooLong);
        else if (outcome is AuthorizeOutcome.Valid valid)
            Answers.SeeOther(context, $"{options.Issuer.Path}{Path}?{(valid.Request.Pushed ?? await KeepAsync(context, valid.Request)).Query.ToQuery()}");
    }

    // What is too long for an address, or says more of a person than should stand in one, waits in a row as a pushed request does.
    private async ValueTask<PushedRequest> KeepAsync(HttpContext context, AuthorizeRequest request)
    {
        var now = time.GetUtcNow();
        var kept = new PushedRequest { Reference = PushedRequest.NewReference(), ClientId = request.Client.Id, Parameters = request.Parameters, ExpiresAt = now + options.PushedRequestLifetime };
        limits.CountKept(context, kept.Length);
        await pushedRequests.AddAsync(kept, now);
        return kept;
    }

    private async Task DecideAsync(HttpContext context, AuthorizeQuery query, AuthorizeRequest request)
    {
        var now = time.GetUtcNow();
        var ticket = page.OpenTicket(context, query, request, now);
        var hintedSubject = page.HintedSubject(request, now);
        var account = query.Account ?? await page.FindAccountAsync(context, request, hintedSubject, ticket);
        var remembered = account is null || request.Client.IsFirstParty ? null : await consents.FindAsync(account.Subject, request.Client.Id, context.RequestAborted);
        switch (Interaction.Decide(request, account, remembered, hintedSubject, ticket, accounts.AcrValuesSupported, now))
        {
            case Interaction.Proceed proceed:
                await IssueAsync(context, request, proceed.Account, proceed.Agreed, now);
                break;
            case Interaction.SignIn:
                // Whoever was chosen and has gone must not be waited for: whoever signs in now is another choice.
                var onward = account is null && ticket?.Choice == AccountChoice.Made ? ticket.Choosing(AccountChoice.Gone) : ticket;
                Answers.SeeOther(context, accounts.SignInAddress(Return(context, request, onward, now)));
                break;
            case Interaction.Consent consent:
                // Whoever is active by then: the page is for this account.
                Answers.SeeOther(context, ConsentEndpoint.Address(Return(context, request, (ticket ?? StepTicket.New(now)).For(consent.Account.Subject), now), options.Issuer));
                break;
            case Interaction.Refuse refuse:
                await RefuseAsync(context, request, refuse.Error);
                break;
        }
    }

    private string Return(HttpContext context, AuthorizeRequest request, StepTicket? ticket, DateTimeOffset now) =>
        page.Address(Path, request, ticket ?? StepTicket.New(now), cookies.EnsureBrowser(context), now);

    private async Task IssueAsync(HttpContext context, AuthorizeRequest request, SignedInAccount account, Scope agreed, DateTimeOffset now)
    {
        // RFC 9700 section 2.1.1: constant challenges and nonces are noticed; the operator reads of it, and the client's makers can mend it
        if (repeated.Find(request, now) is { } parameter) Log.ValueRepeated(logger, request.Client.Id, parameter);
        var (code, kept) = (Code(request, account, agreed, now), Parameters.Empty);
        var text = code.Seal(keys);
        if (text.Length > AuthorizationCode.MaxLength)
        {
            (code, kept) = code.Shortened(request.Pushed?.Id ?? Secret.NewBytes(16));
            text = code.Seal(keys);
        }
        if (request.Pushed is null && code.KeptIn is not null) await pushedRequests.KeepAsync(code, kept, now);
        if (request.Pushed is null || await pushedRequests.UseAsync(request.Pushed, code, kept, now))
        {
            Telemetry.CodeIssued();
            await pages.ToClientAsync(context, request, AuthorizeAnswer.Code(request, text, options.Issuer));
        }
        else
        {
            await RefuseAsync(context, AuthorizePage.Spent);
        }
    }

    private AuthorizationCode Code(AuthorizeRequest request, SignedInAccount account, Scope agreed, DateTimeOffset now)
    {
        // OpenID Connect Core section 11: a grant outlives the session only by the person's will
        var outlivesSession = request.Scope.Contains(Scope.OfflineAccess) && agreed.Contains(Scope.OfflineAccess);
        return new AuthorizationCode
        {
            GrantId = Secret.NewId(now),
            ClientId = request.Client.Id,
            RedirectUriDigest = AuthorizationCode.DigestOf(request.RedirectUri),
            Challenge = request.Challenge,
            Subject = account.Subject,
            Epoch = account.Epoch,
            SessionId = account.SessionId,
            OutlivesSession = outlivesSession,
            GrantExpiresAt = outlivesSession ? now + options.RefreshLifetime : account.SessionExpiresAt,
            Scope = request.Scope.Intersect(agreed),
            Resource = request.Resource,
            Nonce = request.Nonce,
            AuthTime = account.AuthTime,
            Amr = account.Amr,
            Acr = account.Acr,
            DpopThumbprint = request.DpopThumbprint,
            Claims = request.Claims.Within(agreed).ToText(),
            ExpiresAt = now + options.CodeLifetime,
        };
    }

    private Task RefuseAsync(HttpContext context, AuthorizeOutcome outcome)
    {
        if (outcome is AuthorizeOutcome.Redirected redirected) return RefuseAsync(context, redirected.Request, redirected.Error);
        var error = ((AuthorizeOutcome.Shown)outcome).Error;
        Log.Refused(logger, Path, null, error.Code, error.Description);
        return pages.ErrorAsync(context, error);
    }

    private Task RefuseAsync(HttpContext context, AuthorizeRequest request, OAuthError error)
    {
        Log.Refused(logger, Path, request.Client.Id, error.Code, error.Description);
        return pages.ToClientAsync(context, request, AuthorizeAnswer.Error(request, error, options.Issuer));
    }
}
