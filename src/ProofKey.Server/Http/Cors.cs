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
internal sealed class Cors(ClientStore clients)
{
    private const int MaxKnown = 1000;

    // What was allowed last: while the database is away, a page can still read that it is.
    private readonly ConcurrentDictionary<string, bool> _known = new(StringComparer.Ordinal);

    /// <summary>Adds the headers to an answer, if its origin may read it. A request without an origin costs nothing.</summary>
    public async ValueTask AllowAsync(HttpContext context, Readers readers)
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
        if (origin.Count != 1 || origin[0] is not { Length: > 0 and < 300 } one || one.Contains('*', StringComparison.Ordinal) || !await IsAllowedAsync(one, context.RequestAborted)) return;
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

    private async ValueTask<bool> IsAllowedAsync(string origin, CancellationToken cancellation)
    {
        try
        {
            var isAllowed = await clients.AllowsOriginAsync(origin, RedirectUri.LoopbackOrigin(origin), cancellation);
            if (!isAllowed) _known.TryRemove(origin, out _);
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
