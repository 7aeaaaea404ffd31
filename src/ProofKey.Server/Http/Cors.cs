using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Http;

/// <summary>Whose scripts may read an answer.</summary>
internal enum Readers
{
    /// <summary>None: it is for servers.</summary>
    Nobody,

    /// <summary>Pages of origins that belong to a client.</summary>
    RegisteredOrigins,

    /// <summary>Any page: it is public, and no cookie changes it.</summary>
    Everybody,
}

/// <summary>
/// Lets pages of registered origins read the endpoints that pages need, without cookies. Errors carry the headers too; the
/// authorization endpoint never does (RFC 9700 section 2.6).
/// </summary>
internal sealed class Cors(ClientStore clients, RateLimits limits)
{
    private const int MaxKnown = 1000;

    // What was allowed last: while the database is away, a page can still read that it is. Preflights and whoever is slowed down are answered
    // from here as well, so that neither can be had in any number for a query each.
    private readonly ConcurrentDictionary<string, bool> _known = new(StringComparer.Ordinal);

    /// <summary>Adds the headers to an answer, if its origin may read it. A request without an origin costs nothing.</summary>
    /// <param name="context">The request.</param>
    /// <param name="readers">Who may read the answer.</param>
    /// <param name="isSlowed">Whether the answer says no more than that its network has to wait.</param>
    public async ValueTask AllowAsync(HttpContext context, Readers readers, bool isSlowed)
    {
        if (readers == Readers.Nobody) return;
        var headers = context.Response.Headers;
        if (readers == Readers.Everybody)
        {
            headers.AccessControlAllowOrigin = "*";
            return;
        }
        // Always: a cache that kept an answer to a request without an origin must not give it to a page.
        headers.Append("Vary", "Origin");
        var origin = context.Request.Headers.Origin;
        // A star is how any port is written down, and no browser sends one.
        if (origin.Count != 1 || origin[0] is not { Length: > 0 and < 300 } one || one.Contains('*', StringComparison.Ordinal) || !await IsAllowedAsync(context, one, isSlowed)) return;
        headers.AccessControlAllowOrigin = one;
        headers.AccessControlExposeHeaders = "WWW-Authenticate, Retry-After, DPoP-Nonce";
    }

    /// <summary>Answers a preflight.</summary>
    public static Task AnswerPreflight(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        if (context.Response.Headers.AccessControlAllowOrigin.Count == 0) return Task.CompletedTask;
        context.Response.Headers.AccessControlAllowMethods = "GET, POST";
        context.Response.Headers.AccessControlAllowHeaders = "authorization, content-type, dpop";
        context.Response.Headers.AccessControlMaxAge = "600";
        return Task.CompletedTask;
    }

    private async ValueTask<bool> IsAllowedAsync(HttpContext context, string origin, bool isSlowed)
    {
        var isKnown = _known.ContainsKey(origin);
        // What a preflight allows is asked again at the request that follows it.
        if (isKnown && (isSlowed || HttpMethods.IsOptions(context.Request.Method))) return true;
        if (limits.WaitFor(context, Limit.Origins) is not null) return isKnown;
        try
        {
            var isAllowed = await clients.AllowsOriginAsync(origin, RedirectUri.LoopbackOrigin(origin), context.RequestAborted);
            if (!isAllowed)
            {
                _known.TryRemove(origin, out _);
                limits.Count(context, Limit.Origins);
            }
            else if (_known.Count < MaxKnown) _known.TryAdd(origin, true);
            return isAllowed;
        }
        catch (DatabaseException)
        {
            // The endpoint itself says what is wrong, if it needs the database at all.
            return _known.ContainsKey(origin);
        }
    }
}
