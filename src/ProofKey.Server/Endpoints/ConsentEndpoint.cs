using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>The page on which a person agrees or declines. It decides nothing: a yes goes back to the authorization endpoint as a ticket.</summary>
internal sealed class ConsentEndpoint(
    AuthorizePage page, AccountSource accounts, ConsentStore consents, ScopeWords words, AuditTrail audit, Cookies cookies, FormGuard guard, PageRenderer renderer, PageAnswers pages,
    ServerOptions options, TimeProvider time, ILogger<ConsentEndpoint> logger)
{
    public const string Path = "/consent";

    private const string Purpose = "consent";

    /// <summary>The consent page for a request that came to the authorization endpoint.</summary>
    public static string Address(string returnTo, Issuer issuer) => issuer.Path + Path + returnTo[returnTo.IndexOf('?', StringComparison.Ordinal)..];

    public async Task GetAsync(HttpContext context)
    {
        var query = await page.ReadAsync(context);
        if (query.TryGetValid(out var request) && await FindAccountAsync(context, query, request) is { } account)
            await ShowAsync(context, query, request, account, null);
        else
            BackToAuthorize(context);
    }

    public async Task PostAsync(HttpContext context)
    {
        var query = await page.ReadAsync(context);
        if (!query.TryGetValid(out var request) || await FindAccountAsync(context, query, request) is not { } account)
            BackToAuthorize(context);
        else if (!(await FormReader.ReadAsync(context)).TryGet(out var form, out var problem))
            await ShowAsync(context, query, request, account, problem);
        else if (guard.ProblemWith(context, form, Purpose, cookies.Browser(context), account.Subject, About(request, await LinesAsync(context, request))) is { } untrusted)
            await ShowAsync(context, query, request, account, untrusted);
        else if (form.Duplicate() is null && form["decision"] == "allow" && ConsentChoice.Of(request.AskedScope, form) is { } agreed)
            await AgreeAsync(context, query, request, account, agreed);
        else if (form.Duplicate() is null && form["decision"] == "deny")
            await DeclineAsync(context, request, account);
        else
            await ShowAsync(context, query, request, account, ConsentChoice.Problem);
    }

    private ValueTask<SignedInAccount?> FindAccountAsync(HttpContext context, AuthorizeQuery query, AuthorizeRequest request)
    {
        var now = time.GetUtcNow();
        return page.FindAccountAsync(context, request, page.HintedSubject(request, now), page.OpenTicket(context, query, request, now));
    }

    private async Task AgreeAsync(HttpContext context, AuthorizeQuery query, AuthorizeRequest request, SignedInAccount account, Scope agreed)
    {
        if (!request.IsWorth(agreed))
        {
            await ShowAsync(context, query, request, account, "Please tick at least one line, or choose Deny.");
            return;
        }
        var now = time.GetUtcNow();
        await audit.RecordAsync(new AuditEvent("consent-given")
        {
            Subject = account.Subject,
            ClientId = request.Client.Id,
            Address = ClientAddress.Whole(context),
            Detail = agreed.ToString(),
        });
        // RFC 8252 section 8.6: where the address does not identify the client, a yes counts for this one request
        if (request.RegisteredRedirectUri.IdentifiesClient)
        {
            var before = await consents.FindAsync(account.Subject, request.Client.Id, context.RequestAborted) ?? new RememberedConsent(Scope.None, Scope.None);
            await consents.RememberAsync(account.Subject, request.Client.Id, before.With(agreed, request.AskedScope, request.Client), now);
        }
        Log.Consented(logger, account.Subject, agreed.ToString(), request.Client.Id);
        var firstCame = page.OpenTicket(context, query, request, now)?.FirstCame ?? now;
        var ticket = new StepTicket(firstCame, account.Subject, agreed).For(account.Subject);
        Answers.SeeOther(context, page.Address(AuthorizeEndpoint.Path, request, ticket, cookies.EnsureBrowser(context), now));
    }

    private Task DeclineAsync(HttpContext context, AuthorizeRequest request, SignedInAccount account)
    {
        Log.Declined(logger, account.Subject, request.Client.Id);
        return pages.ToClientAsync(context, request, AuthorizeAnswer.Error(request, OAuthError.AccessDenied("The person declined."), options.Issuer));
    }

    private async Task ShowAsync(HttpContext context, AuthorizeQuery query, AuthorizeRequest request, SignedInAccount account, string? problem)
    {
        var browser = cookies.EnsureBrowser(context);
        var now = time.GetUtcNow();
        var ticket = page.OpenTicket(context, query, request, now);
        var lines = await LinesAsync(context, request);
        var view = new ConsentView(
            request.Client.Name, request.RegisteredRedirectUri.Host, request.RegisteredRedirectUri.IdentifiesClient, account.Name, lines,
            page.Address(Path, request, ticket, browser, now), guard.TokenFor(Purpose, browser, account.Subject, About(request, lines)),
            accounts.SignInAddress(page.Address(AuthorizeEndpoint.Path, request, (ticket ?? StepTicket.New(now)).Choosing(AccountChoice.Wanted), browser, now)), problem);
        var status = problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest;
        await pages.FormAsync(context, await renderer.ConsentAsync(view), request.RedirectUri, status);
    }

    private ValueTask<IReadOnlyList<ScopeLine>> LinesAsync(HttpContext context, AuthorizeRequest request) => words.LinesAsync(request.AskedScope, context.RequestAborted);

    private static byte[] About(AuthorizeRequest request, IReadOnlyList<ScopeLine> lines) => ConsentChoice.About(request.Digest(), request.Client.Name, lines);

    private void BackToAuthorize(HttpContext context) => Answers.SeeOther(context, page.BackAddress(context));
}
