using Microsoft.AspNetCore.Http;
using ProofKey.Server.Accounts;
using ProofKey.Server.Http;
using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>The sign-in page of ProofKey's own accounts. Its query is the authorization request, and the way on leads back there.</summary>
internal sealed class SignInEndpoint(
    AuthorizePage page, PasswordSignIn passwords, SignInThrottle throttle, KnownBrowsers knownBrowsers, SessionStore sessions, Cookies cookies, FormGuard guard, PageRenderer renderer, PageAnswers pages,
    ServerOptions options, TimeProvider time, ILogger<SignInEndpoint> logger)
{
    public const string Path = "/signin";

    private const string Purpose = "sign in";

    // One text for every failure: it tells nobody which names exist (OWASP ASVS 6.3.8).
    private const string Failed = "That user name and password do not match. Please check both. After several wrong tries, wait five minutes.";

    public async Task GetAsync(HttpContext context)
    {
        var query = await page.ReadAsync(context);
        if (query.TryGetValid(out var request)) await ShowAsync(context, query, request, request.LoginHint, null);
        else BackToAuthorize(context);
    }

    public async Task PostAsync(HttpContext context)
    {
        var query = await page.ReadAsync(context);
        if (!query.TryGetValid(out var request))
            BackToAuthorize(context);
        else if (!(await FormReader.ReadAsync(context)).TryGet(out var form, out var problem))
            await ShowAsync(context, query, request, null, problem);
        else if (form.Duplicate() is not null)
            await ShowAsync(context, query, request, null, "This form was not filled in here. Please use the fields below.");
        else if (guard.ProblemWith(context, form, Purpose, cookies.Browser(context), null, request) is { } untrusted)
            await ShowAsync(context, query, request, form["username"], untrusted);
        else
            await SignInAsync(context, query, request, form);
    }

    private async Task SignInAsync(HttpContext context, AuthorizeQuery query, AuthorizeRequest request, Parameters form)
    {
        var name = form["username"] ?? "";
        var address = ClientAddress.Of(context);
        if (!throttle.Admits(address))
        {
            Log.SignInFailed(logger, address, "too many tries from this address");
            context.Response.Headers.RetryAfter = "60";
            await ShowAsync(context, query, request, name, "Too many tries from your network. Please wait a minute.", StatusCodes.Status429TooManyRequests);
            return;
        }
        var result = await passwords.TryAsync(name, form["password"] ?? "", subject => knownBrowsers.Admits(context, subject), context.RequestAborted);
        if (result.Account is not { } account)
        {
            Log.SignInFailed(logger, address, result.Reason);
            await ShowAsync(context, query, request, name, Failed);
            return;
        }
        await BeginSessionAsync(context, query, request, account);
    }

    // OWASP ASVS 7.2.4: a new session id at sign-in, and the old one is dead. The row comes before its cookie: a failed write changes nothing.
    private async Task BeginSessionAsync(HttpContext context, AuthorizeQuery query, AuthorizeRequest request, (string Subject, long Epoch) account)
    {
        var now = time.GetUtcNow();
        var ticket = page.OpenTicket(context, query, request, now) ?? new StepTicket(now, null, null);
        var fresh = Cookies.NewPair();
        var session = new BrowserSession(Secret.NewId(now), SessionStore.KeyOf(fresh.Session), account.Subject, "", account.Epoch, now, "pwd", now + options.SessionLifetime, now);
        var old = cookies.Session(context) is { } cookie ? SessionStore.KeyOf(cookie) : null;
        if (old is null || !await sessions.RenewAsync(old, session))
        {
            await sessions.AddAsync(session);
            if (old is not null) await sessions.EndAsync(old, now);
        }
        cookies.Replace(context, fresh);
        knownBrowsers.Remember(context, account.Subject);
        Log.SignedIn(logger, account.Subject);
        Answers.SeeOther(context, page.Address(AuthorizeEndpoint.Path, request, ticket, fresh.Browser, now));
    }

    private async Task ShowAsync(HttpContext context, AuthorizeQuery query, AuthorizeRequest request, string? username, string? problem, int? status = null)
    {
        var browser = cookies.EnsureBrowser(context);
        var now = time.GetUtcNow();
        var action = page.Address(Path, request, page.OpenTicket(context, query, request, now), browser, now);
        var view = new SignInView(
            request.Client.Name, request.RegisteredRedirectUri.Host, request.RegisteredRedirectUri.IdentifiesClient, action, guard.TokenFor(Purpose, browser, null, request),
            username is { Length: <= PasswordSignIn.MaxLength } ? username : null, problem);
        var code = status ?? (problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
        await pages.FormAsync(context, await renderer.SignInAsync(view), request.RedirectUri, code);
    }

    private void BackToAuthorize(HttpContext context) => Answers.SeeOther(context, page.BackAddress(context));
}
