using Microsoft.AspNetCore.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Http;

/// <summary>
/// Lets pages of registered origins read the endpoints that pages need, without cookies. Errors carry the headers too; the
/// authorization endpoint never does (RFC 9700 section 2.6).
/// </summary>
internal sealed class Cors(ClientStore clients)
{
    /// <summary>Adds the headers to an answer, if its origin is registered.</summary>
    public async ValueTask AllowAsync(HttpContext context)
    {
        // Always: a cache that kept an answer to a request without an origin must not give it to a page.
        context.Response.Headers.Append("Vary", "Origin");
        var origin = context.Request.Headers.Origin;
        if (origin.Count != 1 || origin[0] is not { Length: > 0 and < 300 } one || !await clients.AllowsOriginAsync(one, context.RequestAborted)) return;
        context.Response.Headers.AccessControlAllowOrigin = one;
        context.Response.Headers.AccessControlExposeHeaders = "WWW-Authenticate, Retry-After, DPoP-Nonce";
    }

    /// <summary>Answers a preflight, whose origin was looked at already.</summary>
    public static Task AnswerPreflight(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        if (context.Response.Headers.AccessControlAllowOrigin.Count == 0) return Task.CompletedTask;
        context.Response.Headers.AccessControlAllowMethods = "GET, POST";
        context.Response.Headers.AccessControlAllowHeaders = "authorization, content-type, dpop";
        context.Response.Headers.AccessControlMaxAge = "600";
        return Task.CompletedTask;
    }
}
