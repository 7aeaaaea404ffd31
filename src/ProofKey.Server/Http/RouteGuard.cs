using Microsoft.AspNetCore.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Http;

/// <summary>
/// Stands around every route, so that a failing database or a broken request gets the answer of the protocol: a JSON error or a page,
/// never a stack trace.
/// </summary>
internal sealed class RouteGuard(Cors cors, PageAnswers pages, ILogger<RouteGuard> logger)
{
    private static readonly OAuthError Unavailable = OAuthError.TemporarilyUnavailable("The server cannot reach its data right now; nothing was lost. Try again in a moment.");

    private static readonly OAuthError Broken = OAuthError.InvalidRequest("The request could not be read: it was cut off, too long or malformed.");

    private static readonly OAuthError Failed = new("server_error", "Something went wrong in the server; its log says what. Nothing was lost.");

    /// <summary>Guards a route that answers programs.</summary>
    public RequestDelegate Json(RequestDelegate handler) => context => RunAsync(
        context,
        async () =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            await cors.AllowAsync(context);
            await handler(context);
        },
        (error, status) => Answers.ErrorAsync(context, error, status));

    /// <summary>Guards a route that answers people.</summary>
    public RequestDelegate Page(RequestDelegate handler) => context => RunAsync(context, () => handler(context), (error, status) => pages.ErrorAsync(context, error, status));

    /// <summary>Answers a preflight.</summary>
    public RequestDelegate Preflight => context => RunAsync(context, () => cors.PreflightAsync(context), (error, status) => Answers.ErrorAsync(context, error, status));

    private async Task RunAsync(HttpContext context, Func<Task> handler, Func<OAuthError, int, Task> refuse)
    {
        try
        {
            await handler();
        }
        catch (DatabaseException exception)
        {
            Log.DatabaseFailed(logger, context.Request.Path, exception.Message);
            if (context.Response.HasStarted) throw;
            context.Response.Headers.RetryAfter = "2";
            await refuse(Unavailable, StatusCodes.Status503ServiceUnavailable);
        }
        catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
        {
            await refuse(Broken, exception.StatusCode);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; there is nobody to answer.
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            // A defect of ours or of an account source. Its message may hold anything, so the log gets its type and place alone.
            Log.Failed(logger, context.Request.Path, exception.GetType().Name, exception.StackTrace);
            await refuse(Failed, StatusCodes.Status500InternalServerError);
        }
    }
}
