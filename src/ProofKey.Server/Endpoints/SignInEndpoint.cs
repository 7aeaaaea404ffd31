using Microsoft.AspNetCore.Http;
using ProofKey.Server.Accounts;
using ProofKey.Server.Http;
using ProofKey.Server.Pages;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>The sign-in page of ProofKey's own accounts. Its query is what the sign-in is for, and the way on leads back there.</summary>
internal sealed class SignInEndpoint(
    AuthorizePage page, PasswordSignIn passwords, KnownBrowsers knownBrowsers, SessionStore sessions, Cookies cookies, FormGuard guard, PageRenderer renderer, PageAnswers pages,
    ServerOptions options, TimeProvider time, ILogger<SignInEndpoint> logger)
{
    public const string Path = "/signin";

    private const string Purpose = "sign in";

    // One text for every failure: it tells nobody which names exist (OWASP ASVS 6.3.8).
    private const string Failed = "That user name and password do not match. Please check both. After several wrong tries, wait five minutes.";

    public async Task GetAsync(HttpContext context)
    {
        if (await ReadAsync(context) is { } errand) await ShowAsync(context, errand, errand.Request?.LoginHint, null);
        else BackToAuthorize(context);
    }

    public async Task PostAsync(HttpContext context)
    {
        if (await ReadAsync(context) is not { } errand)
            BackToAuthorize(context);
        else if (!(await FormReader.ReadAsync(context)).TryGet(out var form, out var problem))
            await ShowAsync(context, errand, null, problem);
        else if (form.Duplicate() is not null)
            await ShowAsync(context, errand, null, "This form was not filled in here. Please use the fields below.");
        else if (guard.ProblemWith(context, form, Purpose, cookies.Browser(context), null, errand.Digest) is { } untrusted)
            await ShowAsync(context, errand, form["username"], untrusted);
        else
            await SignInAsync(context, errand, form);
    }

    private async ValueTask<SignInErrand?> ReadAsync(HttpContext context)
    {
        var query = await page.ReadAsync(context);
        return query.TryGetValid(out var request) ? new SignInErrand.Authorization(page, query, request, context, time.GetUtcNow()) : null;
    }

    private async Task SignInAsync(HttpContext context, SignInErrand errand, Parameters form)
    {
        var name = form["username"] ?? "";
        var address = ClientAddress.Of(context);
        var result = await passwords.TryAsync(name, form["password"] ?? "", subject => knownBrowsers.Admits(context, subject), context.RequestAborted);
        if (result.Account is not { } account)
        {
            Log.SignInFailed(logger, address, result.Reason);
            await ShowAsync(context, errand, name, Failed);
            return;
        }
        await BeginSessionAsync(context, errand, account);
    }

    // OWASP ASVS 7.2.4: a new session id at sign-in, and the old one is dead. The row comes before its cookie: a failed write changes nothing.
    private async Task BeginSessionAsync(HttpContext context, SignInErrand errand, (string Subject, long Epoch) account)
    {
        var now = time.GetUtcNow();
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
        Answers.SeeOther(context, errand.WayOn(fresh.Browser, now));
    }

    private async Task ShowAsync(HttpContext context, SignInErrand errand, string? username, string? problem, int? status = null)
    {
        var browser = cookies.EnsureBrowser(context);
        var view = new SignInView(
            errand.Request?.Client.Name, errand.Request?.RegisteredRedirectUri.Host ?? "", errand.Request?.RegisteredRedirectUri.IdentifiesClient ?? false,
            errand.PageAddress(browser, time.GetUtcNow()), guard.TokenFor(Purpose, browser, null, errand.Digest),
            username is { Length: <= PasswordSignIn.MaxLength } ? username : null, problem);
        var code = status ?? (problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
        await pages.FormAsync(context, await renderer.SignInAsync(view), errand.Request?.RedirectUri, code);
    }

    private void BackToAuthorize(HttpContext context) => Answers.SeeOther(context, page.BackAddress(context));
}
