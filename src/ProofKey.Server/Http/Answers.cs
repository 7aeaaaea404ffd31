using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Http;

/// <summary>The few shapes that an answer can have.</summary>
internal static class Answers
{
    /// <summary>A JSON answer that nobody may keep (RFC 6749 section 5.1).</summary>
    public static Task TokensAsync(HttpContext context, TokenResponse tokens)
    {
        NoStore(context);
        return JsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(tokens, Wire.Default.TokenResponse));
    }

    /// <summary>A JSON refusal (RFC 6749 section 5.2).</summary>
    public static Task ErrorAsync(HttpContext context, OAuthError error, int status = StatusCodes.Status400BadRequest)
    {
        NoStore(context);
        Refused(context, error);
        context.Response.StatusCode = status;
        var body = new ErrorResponse { Error = error.Code, ErrorDescription = error.Description };
        return JsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(body, Wire.Default.ErrorResponse));
    }

    /// <summary>Refuses what a client sent without a browser, and tells the log why. What is not the request's fault is a 503, to be repeated.</summary>
    public static Task RefuseAsync(HttpContext context, ILogger logger, string path, string? clientId, Refusal refusal, int status = StatusCodes.Status400BadRequest)
    {
        // RFC 6749 appendix A.1: an id is visible ASCII; whatever else was sent would write into the log.
        var loggable = clientId is { Length: <= 100 } && !clientId.AsSpan().ContainsAnyExceptInRange(' ', '~') ? clientId : null;
        Log.Refused(logger, path, loggable, refusal.Error.Code, refusal.Reason);
        return refusal.Status == StatusCodes.Status503ServiceUnavailable ? UnavailableAsync(context, refusal.Error) : ErrorAsync(context, refusal.Error, status);
    }

    /// <summary>Remembers with which error a request was refused, for the limits.</summary>
    public static void Refused(HttpContext context, OAuthError error) => context.Items[typeof(OAuthError)] = error;

    /// <summary>The error that a request was refused with.</summary>
    public static OAuthError? ErrorOf(HttpContext context) => context.Items.TryGetValue(typeof(OAuthError), out var error) ? error as OAuthError : null;

    /// <summary>A refusal that is not the request's fault: to be repeated in a minute.</summary>
    public static Task UnavailableAsync(HttpContext context, OAuthError error)
    {
        context.Response.Headers.RetryAfter = "60";
        return ErrorAsync(context, error, StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>A JSON document, whole and with its length, so that it leaves in one piece.</summary>
    public static async Task JsonAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }

    /// <summary>Sends the browser on, by GET (RFC 9700 section 4.12: 303, so that a form is never posted again to the next address).</summary>
    public static void SeeOther(HttpContext context, string address)
    {
        NoStore(context);
        // RFC 9700 section 4.2.4: nothing of this address may leak into a Referer header
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = address;
    }

    public static void NoStore(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Pragma = "no-cache";
    }
}
