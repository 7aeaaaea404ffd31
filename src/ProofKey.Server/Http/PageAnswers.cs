using Microsoft.AspNetCore.Http;
using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Http;

/// <summary>Sends pages, each with the headers that keep it from being framed, cached, or made to load or post anything elsewhere.</summary>
internal sealed class PageAnswers(PageRenderer pages, ServerOptions options)
{
    /// <summary>Sends a page with a form.</summary>
    /// <param name="context">The request.</param>
    /// <param name="html">The page.</param>
    /// <param name="redirectUri">Where the form's answer may be redirected to in the end, if it may leave here: Chromium applies form-action to the whole chain.</param>
    /// <param name="status">200, or 400 for a form that is shown again.</param>
    public Task FormAsync(HttpContext context, string html, string? redirectUri, int status) =>
        SendAsync(context, html, redirectUri is null ? "form-action 'self'" : $"form-action 'self' {RedirectUri.FormActionSource(redirectUri)}", script: false, status);

    /// <summary>Shows the person what went wrong; the page has no way on to any other address.</summary>
    public async Task ErrorAsync(HttpContext context, OAuthError error, int status = StatusCodes.Status400BadRequest)
    {
        var view = status is StatusCodes.Status429TooManyRequests ? new ErrorView("Too many tries", error.Description, "After that, go back to the page before and try again.", null)
            : status >= StatusCodes.Status500InternalServerError ? new ErrorView("Not possible right now", error.Description, "Wait a moment, then try again from the app that sent you here.", error.Code)
            : new ErrorView(
                "This sign-in cannot go on", "The app that sent you here is not known to this server, or asked for something that it may not have. Nothing was shared with it.",
                "Go back to the app and start again. If it keeps happening, tell its makers what stands below.", $"{error.Code}: {error.Description}");
        await SendAsync(context, await pages.ErrorAsync(view), "form-action 'none'", script: false, status);
    }

    /// <summary>Posts an answer to the client (OAuth 2.0 Form Post Response Mode section 2).</summary>
    public async Task FormPostAsync(HttpContext context, string redirectUri, Parameters answer) =>
        await SendAsync(context, await pages.FormPostAsync(new FormPostView(redirectUri, answer.Pairs)), $"form-action {RedirectUri.FormActionSource(redirectUri)}", script: true, StatusCodes.Status200OK);

    /// <summary>Gives the client its answer in the way that the request asked for.</summary>
    public Task ToClientAsync(HttpContext context, AuthorizeRequest request, Parameters answer)
    {
        if (request.ResponseMode == Storage.ResponseMode.FormPost) return FormPostAsync(context, request.RedirectUri, answer);
        // No redirect URI has a fragment of its own (RFC 6749 section 3.1.2).
        Answers.SeeOther(context, request.ResponseMode == Storage.ResponseMode.Fragment ? $"{request.RedirectUri}#{answer.ToQuery()}" : RedirectUri.Append(request.RedirectUri, answer));
        return Task.CompletedTask;
    }

    private async Task SendAsync(HttpContext context, string html, string formAction, bool script, int status)
    {
        Answers.NoStore(context);
        var headers = context.Response.Headers;
        // RFC 9700 section 4.16, RFC 6749 section 10.13: a page that can be framed can be clicked for somebody else
        headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src '{PageRenderer.StyleHash}'; {(script ? $"script-src '{PageRenderer.ScriptHash}'; " : "")}{formAction}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        if (options.Issuer.IsHttps) headers.StrictTransportSecurity = RouteGuard.TransportSecurity;
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        await context.Response.WriteAsync(html, context.RequestAborted);
    }
}
