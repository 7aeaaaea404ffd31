using System.Globalization;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// Where a person enters the code that a device shows (RFC 8628 section 3.3). A right one leads on to the question whether the device may
/// come in; nothing happens before somebody signed in and sent this form.
/// </summary>
internal sealed class DeviceEndpoint(
    DeviceStore devices, UserCodeTries tries, ClientStore clients, AccountSource accounts, AuditTrail audit, KeyRing keys, Cookies cookies, FormGuard guard, PageRenderer renderer, PageAnswers pages,
    ServerOptions options, TimeProvider time, ILogger<DeviceEndpoint> logger)
{
    public const string Path = "/device";

    public const string UserCodeName = "user_code";

    private const string Purpose = "user code";

    // The form is about no device yet: which one it is, the code says.
    private static readonly byte[] About = Secret.Digest(Purpose);

    /// <summary>Our own path and query of a page that has to do with a code; without one, the person is going to type it.</summary>
    // RFC 9700 section 4.11: nothing of what was sent stands in it but eight letters
    public static string Address(Issuer issuer, UserCode? code, string path = Path) => $"{issuer.Path}{path}?{UserCodeName}={code}";

    /// <summary>The whole address that a device may show as a QR code (RFC 8628 section 3.3.1).</summary>
    public static string CompleteAddress(Issuer issuer, UserCode code) => $"{issuer.Endpoint(Path)}?{UserCodeName}={code}";

    public async Task GetAsync(HttpContext context)
    {
        // RFC 8628 section 3.3.1: a code in the address is shown and does nothing; it may have come from somebody else
        var code = UserCode.Read(QueryParameters.Of(context)[UserCodeName]);
        if (await accounts.FindSignedInAsync(context, context.RequestAborted) is { } account) await ShowAsync(context, account, code?.ToString(), null);
        else Answers.SeeOther(context, accounts.SignInAddress(Address(options.Issuer, code)));
    }

    public async Task PostAsync(HttpContext context)
    {
        var (now, address) = (time.GetUtcNow(), ClientAddress.Of(context));
        if (await accounts.FindSignedInAsync(context, context.RequestAborted) is not { } account)
            Answers.SeeOther(context, accounts.SignInAddress(Address(options.Issuer, null)));
        else if (!(await FormReader.ReadAsync(context)).TryGet(out var form, out var problem))
            await ShowAsync(context, account, null, problem);
        else if (form.Duplicate() is not null)
            await ShowAsync(context, account, null, "This form was not filled in here. Please use the field below.");
        else if (guard.ProblemWith(context, form, Purpose, cookies.Browser(context), account.Subject, About) is { } untrusted)
            await ShowAsync(context, account, form[UserCodeName], untrusted);
        else if (UserCode.Read(form[UserCodeName]) is not { } code)
            await ShowAsync(context, account, form[UserCodeName], $"A code has {UserCode.Length} letters, such as WDJB-MJHT. Please check it.");
        else if (await tries.BeginAsync(account.Subject, address, now) is not { } attempt)
            await ShowAsync(context, account, null, $"Too many wrong codes were tried. Please wait {TimeWords.Minutes(tries.Wait)}, then let the device show a new code.", StatusCodes.Status429TooManyRequests);
        else if (await devices.FindWaitingAsync(keys.DigestOf(code), now, context.RequestAborted) is { } device && await clients.FindAsync(device.ClientId, context.RequestAborted) is not null)
            await GoOnAsync(context, account, attempt, new DeviceTicket(device.Id, code));
        else
            await RefuseAsync(context, account, attempt, code, address);
    }

    // From here on the ticket stands for the code, so that a reload is no further try.
    private async Task GoOnAsync(HttpContext context, SignedInAccount account, UserCodeTry attempt, DeviceTicket ticket)
    {
        await tries.GiveBackAsync(attempt);
        Answers.SeeOther(context, DeviceDecisionEndpoint.Address(options.Issuer, ticket.Seal(keys, cookies.EnsureBrowser(context), account.Subject)));
    }

    private async Task RefuseAsync(HttpContext context, SignedInAccount account, UserCodeTry attempt, UserCode code, string address)
    {
        Log.UserCodeFailed(logger, account.Subject, address, attempt.IsLast ? "no try is left" : "no device waits for it");
        if (attempt.IsLast) await audit.CountAsync(new AuditEvent("user-codes-locked") { Subject = account.Subject, Address = ClientAddress.Whole(context) });
        await ShowAsync(context, account, code.ToString(), "No device waits for this code. Please check it, or let the device show a new one: a code is good once, and for a few minutes.");
    }

    private async Task ShowAsync(HttpContext context, SignedInAccount account, string? typed, string? problem, int status = StatusCodes.Status400BadRequest)
    {
        if (status == StatusCodes.Status429TooManyRequests) context.Response.Headers.RetryAfter = tries.Wait.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        var browser = cookies.EnsureBrowser(context);
        var view = new DeviceEntryView(
            account.Name, options.Issuer.Path + Path, guard.TokenFor(Purpose, browser, account.Subject, About), accounts.SignInAddress(Address(options.Issuer, UserCode.Read(typed))),
            typed is { Length: <= UserCode.MaxTypedLength } ? typed : null, typed is not null && problem is null, problem);
        await pages.FormAsync(context, await renderer.DeviceEntryAsync(view), null, problem is null ? StatusCodes.Status200OK : status);
    }
}
