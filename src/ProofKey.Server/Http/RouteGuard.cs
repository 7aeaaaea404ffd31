using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Http;

/// <summary>
/// Stands around every route: it bounds how often an address may be refused, and sees to it that a failing database or a broken request
/// gets the answer of the protocol: a JSON error or a page, never a stack trace.
/// </summary>
internal sealed class RouteGuard(Cors cors, PageAnswers pages, RateLimits limits, ServerOptions options, ILogger<RouteGuard> logger)
{
    /// <summary>Browsers never come back over plain http for a year.</summary>
    public const string TransportSecurity = "max-age=31536000";

    private static readonly OAuthError Unavailable = OAuthError.TemporarilyUnavailable("The server cannot reach its data right now; nothing was lost. Try again in a moment.");

    private static readonly OAuthError Unknown = OAuthError.TemporarilyUnavailable(
        "The connection to the server's data broke while this was written, so nobody knows whether it was done. Look before you do it again; a code or token that was used may be spent, and a new sign-in mends that.");

    private static readonly OAuthError Broken = OAuthError.InvalidRequest("The request could not be read: it was cut off, too long or malformed.");

    private static readonly OAuthError Failed = new("server_error", "Something went wrong in the server; its log says what. Nothing was lost.");

    private readonly bool _isHttps = options.Issuer.IsHttps;

    /// <summary>Guards a route that answers programs.</summary>
    public RequestDelegate Json(RequestDelegate handler, Limit limit, Readers readers) => context => RunAsync(context, handler, limit, isPage: false, readers);

    /// <summary>Guards a route that answers people.</summary>
    public RequestDelegate Page(RequestDelegate handler, Limit limit) => context => RunAsync(context, handler, limit, isPage: true, Readers.Nobody);

    /// <summary>Answers a preflight.</summary>
    public RequestDelegate Preflight(Readers readers) => context => RunAsync(context, Cors.AnswerPreflight, Limit.None, isPage: false, readers);

    /// <summary>Answers every method that a route has not (RFC 9110 section 15.5.6), in a way that a page can read.</summary>
    public RequestDelegate OtherMethods(string allowed, Readers readers) => context => RunAsync(
        context,
        refused =>
        {
            refused.Response.Headers.Allow = allowed;
            return Answers.ErrorAsync(refused, OAuthError.InvalidRequest($"The methods here are {allowed}."), StatusCodes.Status405MethodNotAllowed);
        },
        Limit.None, isPage: false, readers);

    private async Task RunAsync(HttpContext context, RequestDelegate handler, Limit limit, bool isPage, Readers readers)
    {
        using var span = Telemetry.HasListeners ? Telemetry.Span($"{MethodOf(context)} {RouteOf(context)}", ActivityKind.Server) : null;
        try
        {
            if (_isHttps) context.Response.Headers.StrictTransportSecurity = TransportSecurity;
            var wait = limits.WaitFor(context, limit);
            if (!isPage)
            {
                context.Response.Headers.XContentTypeOptions = "nosniff";
                await cors.AllowAsync(context, readers, isSlowed: wait is not null);
            }
            if (wait is null) await handler(context);
            else await SlowDownAsync(context, wait.Value, isPage);
        }
        catch (DatabaseException exception)
        {
            Log.DatabaseFailed(logger, context.Request.Path, exception.Message);
            if (context.Response.HasStarted) throw;
            // What may have been done is not to be repeated by itself: a code that comes twice takes its grant away.
            var isUnknown = exception.Failure is DatabaseFailure.Unknown;
            if (!isUnknown) context.Response.Headers.RetryAfter = "2";
            await RefuseAsync(context, isUnknown ? Unknown : Unavailable, StatusCodes.Status503ServiceUnavailable, isPage);
        }
        catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
        {
            await RefuseAsync(context, Broken, exception.StatusCode, isPage);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; there is nobody to answer.
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            // A defect of ours or of an account source. Its message may hold anything, so the log gets its type and place alone.
            Log.Failed(logger, context.Request.Path, exception.GetType().Name, exception.StackTrace);
            await RefuseAsync(context, Failed, StatusCodes.Status500InternalServerError, isPage);
        }
        limits.Settle(context, limit);
        span?.SetTag("http.response.status_code", context.Response.StatusCode);
        if (span is not null && Answers.ErrorOf(context) is { } error) span.SetTag("error.type", error.Code);
    }

    // Names of ours, however the request spelled them.
    private static string RouteOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "";

    private static string MethodOf(HttpContext context) => context.Request.Method is "GET" or "POST" or "HEAD" or "OPTIONS" ? context.Request.Method : "OTHER";

    // RFC 6585 section 4: with the time to wait
    private Task SlowDownAsync(HttpContext context, TimeSpan wait, bool isPage)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        Telemetry.Slowed(RouteOf(context));
        Log.Slowed(logger, context.Request.Path, ClientAddress.Of(context));
        context.Response.Headers.RetryAfter = seconds;
        var error = OAuthError.TemporarilyUnavailable($"Too many requests from your network were refused or came at once. Wait {seconds} seconds, then try again.");
        return RefuseAsync(context, error, StatusCodes.Status429TooManyRequests, isPage);
    }

    private Task RefuseAsync(HttpContext context, OAuthError error, int status, bool isPage) => isPage ? pages.ErrorAsync(context, error, status) : Answers.ErrorAsync(context, error, status);
}
