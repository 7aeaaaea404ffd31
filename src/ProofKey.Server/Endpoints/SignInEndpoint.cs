using Microsoft.AspNetCore.Http;
using ProofKey.Server.Accounts;
using ProofKey.Server.Http;
using ProofKey.Server.Pages;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>The sign-in page of ProofKey's own accounts, and the choice among those who are signed in. Its query is what the sign-in is for, and the way on leads back there.</summary>
internal sealed class SignInEndpoint(
    AuthorizePage page, PasswordSignIn passwords, KnownBrowsers knownBrowsers, BrowserSessions sessions, AuditTrail audit, Cookies cookies, FormGuard guard, PageRenderer renderer, PageAnswers pages,
    ServerOptions options, TimeProvider time, ILogger<SignInEndpoint> logger)
{
    public const string Path = "/signin";

    private const string Purpose = "sign in";

    private const string ChoosePurpose = "choose an account";

    // One text for every failure: it tells nobody which names exist (OWASP ASVS 6.3.8).
    private const string Failed = "That user name and password do not match. Please check both. After several wrong tries, wait five minutes.";

    public async Task GetAsync(HttpContext context)
    {
        if (await ReadAsync(context) is { } errand) await ShowFirstAsync(context, errand);
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
        else if (form["account"] is { } subject)
            await ChooseAsync(context, errand, form, subject);
        else if (guard.ProblemWith(context, form, Purpose, cookies.Browser(context), null, errand.Digest) is { } untrusted)
            await ShowAsync(context, errand, form["username"], untrusted);
        else
            await SignInAsync(context, errand, form);
    }

    private async ValueTask<SignInErrand?> ReadAsync(HttpContext context)
    {
        if (SignInErrand.Device.Of(QueryParameters.Of(context), options.Issuer) is { } device) return device;
        var query = await page.ReadAsync(context);
        return query.TryGetValid(out var request) ? new SignInErrand.Authorization(page, query, request, context, time.GetUtcNow()) : null;
    }

    // Somebody who was chosen and has to prove it need not type their name again.
    private async Task ShowFirstAsync(HttpContext context, SignInErrand errand)
    {
        var signedIn = await sessions.ListAsync(context, context.RequestAborted);
        if (errand.OffersAccounts(signedIn.Count, sessions.HasActive(context, signedIn))) await ShowAccountsAsync(context, errand, null);
        else await ShowAsync(context, errand, signedIn.Find(each => each.Session.Subject == errand.ChosenSubject).Session?.Name ?? errand.Request?.LoginHint, null);
    }

    private async Task ChooseAsync(HttpContext context, SignInErrand errand, Parameters form, string subject)
    {
        if (guard.ProblemWith(context, form, ChoosePurpose, cookies.Browser(context), null, errand.Digest) is { } untrusted)
            await ShowAccountsAsync(context, errand, untrusted);
        else if (!await sessions.ActivateAsync(context, subject))
            await ShowAccountsAsync(context, errand, "That account is not signed in here any more. Please choose again, or use another account.");
        else
            Answers.SeeOther(context, errand.WayOn(subject, cookies.EnsureBrowser(context), time.GetUtcNow()));
    }

    private async Task SignInAsync(HttpContext context, SignInErrand errand, Parameters form)
    {
        var name = form["username"] ?? "";
        var address = ClientAddress.Of(context);
        var result = await passwords.TryAsync(name, form["password"] ?? "", subject => knownBrowsers.Admits(context, subject), context.RequestAborted, address);
        if (result is null)
        {
            context.Response.Headers.RetryAfter = "5";
            await ShowAsync(context, errand, name, "Very many people are signing in at this moment. Please try again in a few seconds.", StatusCodes.Status503ServiceUnavailable);
            return;
        }
        if (result.Account is not { } account)
        {
            Log.SignInFailed(logger, address, result.Reason);
            // The name that was typed is not kept: it may be a password. Known and unknown ones cost the same write, a lock-out too.
            var locked = result.Locks ? new AuditEvent("account-locked") { Subject = result.Tried, Address = ClientAddress.Whole(context) } : null;
            await audit.CountAsync(new AuditEvent("sign-in-failed") { Subject = result.Tried, Address = address, Detail = result.Tried is null ? "unknown name" : null }, locked);
            await ShowAsync(context, errand, name, Failed);
            return;
        }
        await BeginSessionAsync(context, errand, account);
    }

    private async Task BeginSessionAsync(HttpContext context, SignInErrand errand, (string Subject, long Epoch) account)
    {
        // Before the session begins: where the way on needs a new ticket, its request came before this sign-in and not after it.
        var now = time.GetUtcNow();
        var audited = new AuditEvent("signed-in") { Subject = account.Subject, ClientId = errand.Request?.Client.Id, Address = ClientAddress.Whole(context), Detail = OwnAccounts.PasswordAmr };
        var browser = await sessions.BeginAsync(context, account.Subject, account.Epoch, OwnAccounts.PasswordAmr, OwnAccounts.PasswordAcr, audited);
        knownBrowsers.Remember(context, account.Subject);
        Log.SignedIn(logger, account.Subject);
        Answers.SeeOther(context, errand.WayOn(account.Subject, browser, now));
    }

    private async Task ShowAsync(HttpContext context, SignInErrand errand, string? username, string? problem, int? status = null)
    {
        var browser = cookies.EnsureBrowser(context);
        var view = new SignInView(
            errand.Request?.Client.Name, errand.Request?.RegisteredRedirectUri.Host ?? "", errand.Request?.RegisteredRedirectUri.IdentifiesClient ?? false,
            errand.PageAddress(browser, time.GetUtcNow()), guard.TokenFor(Purpose, browser, null, errand.Digest),
            username is { Length: <= PasswordSignIn.MaxLength } ? username : null, problem, errand.PhoneAddress);
        var code = status ?? (problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
        await pages.FormAsync(context, await renderer.SignInAsync(view), errand.Request?.RedirectUri, code);
    }

    private async Task ShowAccountsAsync(HttpContext context, SignInErrand errand, string? problem)
    {
        var browser = cookies.EnsureBrowser(context);
        var now = time.GetUtcNow();
        var accounts = (await sessions.ListAsync(context, context.RequestAborted)).Select(each => new AccountLine(each.Session.Subject, each.Session.Name, each.Session.Email));
        var view = new ChooseAccountView(
            errand.Request?.Client.Name, errand.Request?.RegisteredRedirectUri.Host ?? "", errand.Request?.RegisteredRedirectUri.IdentifiesClient ?? false, [.. accounts],
            errand.PageAddress(browser, now), guard.TokenFor(ChoosePurpose, browser, null, errand.Digest), errand.AnotherAddress(browser, now), problem);
        var status = problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest;
        await pages.FormAsync(context, await renderer.ChooseAccountAsync(view), errand.Request?.RedirectUri, status);
    }

    private void BackToAuthorize(HttpContext context) => Answers.SeeOther(context, page.BackAddress(context));
}
