using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// Signs people out of this browser (OpenID Connect RP-Initiated Logout). A client that shows an ID token of the very session has it ended;
/// in any other case the person is asked, so that no page can sign anybody out.
/// </summary>
internal sealed class LogoutEndpoint(
    AccountSource accounts, ClientStore clients, KeyRing keys, Cookies cookies, FormGuard guard, PageRenderer renderer, PageAnswers pages, AuditTrail audit,
    ServerOptions options, TimeProvider time, ILogger<LogoutEndpoint> logger)
{
    public const string Path = "/logout";

    private const string Purpose = "sign out";

    /// <summary>The most characters of parameters that a POST may hand on in a query.</summary>
    private const int MaxQueryLength = 8 * 1024;

    private readonly JwtExpectations _hint = IdTokenHint.Expectations(options.Issuer);

    public async Task GetAsync(HttpContext context)
    {
        var (parameters, request) = await ReadAsync(context);
        var signedIn = await accounts.FindAllToSignOutAsync(context, context.RequestAborted);
        if (signedIn.Count == 0) await EndAsync(context, request, SignedOutView.Done);
        else if (request.Proven(signedIn) is { } account) await SignOutAsync(context, request, [account]);
        else await AskAsync(context, parameters, request, signedIn, null);
    }

    /// <summary>
    /// Without our form's token, a client's request: it becomes the same request as a GET, so that our cookies come along. With one, the
    /// answer to our own question.
    /// </summary>
    public async Task PostAsync(HttpContext context)
    {
        var read = (await FormReader.ReadAsync(context)).TryGet(out var form, out var problem);
        if (read ? form!["form_token"] is not null : context.Request.QueryString.HasValue) await AnswerAsync(context, form, problem);
        else Answers.SeeOther(context, options.Issuer.Path + Path + AsQuery(context, form));
    }

    // OpenID Connect RP-Initiated Logout section 2: a client may POST, and its address may have a query besides
    private static string AsQuery(HttpContext context, Parameters? form)
    {
        var both = Parameters.Of([.. QueryParameters.Of(context).Pairs, .. form?.Pairs ?? []]).ToQuery();
        return both.Length is > 0 and <= MaxQueryLength ? "?" + both : "";
    }

    private async Task AnswerAsync(HttpContext context, Parameters? form, string? problem)
    {
        var (parameters, request) = await ReadAsync(context);
        var signedIn = await accounts.FindAllToSignOutAsync(context, context.RequestAborted);
        if (signedIn.Count == 0)
            await EndAsync(context, request, SignedOutView.Done);
        else if (form is null)
            await AskAsync(context, parameters, request, signedIn, problem);
        else if (guard.ProblemWith(context, form, Purpose, cookies.Browser(context), null, About(parameters)) is { } untrusted)
            await AskAsync(context, parameters, request, signedIn, untrusted);
        else if (form.Duplicate() is null && form["stay"] is not null)
            await pages.FormAsync(context, await renderer.SignedOutAsync(SignedOutView.Stayed), null, StatusCodes.Status200OK);
        else if (form.Duplicate() is null && Chosen(form, signedIn) is { Count: > 0 } chosen)
            await SignOutAsync(context, request, chosen);
        else
            await AskAsync(context, parameters, request, signedIn, "Please choose one of the buttons.");
    }

    private static List<SignedInAccount> Chosen(Parameters form, IReadOnlyList<SignedInAccount> signedIn) =>
        [.. signedIn.Where(account => form["everyone"] is not null || account.Subject == form["account"])];

    private async ValueTask<(Parameters Parameters, LogoutRequest Request)> ReadAsync(HttpContext context)
    {
        var query = context.Request.QueryString.Value ?? "";
        if (!Parameters.TryParse(query.AsSpan(query.StartsWith('?') ? 1 : 0), out var parameters, out _)) parameters = Parameters.Empty;
        Jwt? hint = null;
        if (parameters["id_token_hint"] is { } text) Jwt.Verify(text, keys.PublicKeys, _hint, time.GetUtcNow()).TryGet(out hint, out _);
        // An id is short; a long one is not looked up.
        var client = LogoutRequest.ClientIdOf(parameters, hint) is { Length: <= 100 } id ? await clients.FindAsync(id, context.RequestAborted) : null;
        var request = LogoutRequest.Of(parameters, hint, client);
        if (request.Reason is { } reason) Log.Refused(logger, Path, client?.Id, "invalid_request", reason);
        return (parameters, request);
    }

    private async Task SignOutAsync(HttpContext context, LogoutRequest request, IReadOnlyList<SignedInAccount> chosen)
    {
        foreach (var account in chosen) await audit.RecordAsync(new AuditEvent("signed-out") { Subject = account.Subject, ClientId = request.Client?.Id, Address = ClientAddress.Whole(context) });
        await accounts.SignOutAsync(context, chosen, context.RequestAborted);
        foreach (var account in chosen) Log.SignedOut(logger, account.Subject);
        await EndAsync(context, request, SignedOutView.Done);
    }

    private async Task EndAsync(HttpContext context, LogoutRequest request, SignedOutView view)
    {
        if (request.WayOn() is { } address) Answers.SeeOther(context, address);
        else await pages.FormAsync(context, await renderer.SignedOutAsync(view), null, StatusCodes.Status200OK);
    }

    private async Task AskAsync(HttpContext context, Parameters parameters, LogoutRequest request, IReadOnlyList<SignedInAccount> signedIn, string? problem)
    {
        var token = guard.TokenFor(Purpose, cookies.EnsureBrowser(context), null, About(parameters));
        var registered = request.RedirectUri is { } uri ? RedirectUri.Parse(uri) : null;
        var view = new SignOutView(
            request.Client?.Name, registered?.Host, registered?.IdentifiesClient ?? false, [.. signedIn.Select(account => new AccountLine(account.Subject, account.Name, account.Email))],
            // A query is what tells our form from a client's request.
            $"{options.Issuer.Path}{Path}?{(parameters.Pairs.Count == 0 ? "ask" : parameters.ToQuery())}", token, problem);
        await pages.FormAsync(context, await renderer.SignOutAsync(view), request.RedirectUri, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }

    private static byte[] About(Parameters parameters) => Secret.Digest(parameters.Without("ask").ToQuery());
}
