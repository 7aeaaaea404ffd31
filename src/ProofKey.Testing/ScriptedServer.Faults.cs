using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ProofKey.Testing;

/// <summary>What it can be made to do wrong, beside the switches that spoil an answer.</summary>
public sealed partial class ScriptedServer
{
    private readonly ConcurrentDictionary<string, int> _lost = new();

    internal static Overheard? Overheard { get; set; }

    /// <summary>How far the server's clock is ahead of <see cref="Time"/>: in the <c>Date</c> of its answers, and in its ID tokens.</summary>
    public TimeSpan ClockAhead { get; set; }

    private DateTimeOffset Now => Time.GetUtcNow() + ClockAhead;

    /// <summary>Makes one of the faults.</summary>
    /// <param name="fault">Which.</param>
    public void Break(Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        fault.Apply(this);
    }

    /// <summary>Does what is asked at a path and resets the connection in the place of the answer: tokens were rotated, and nobody has the new ones.</summary>
    /// <param name="path">Such as <c>/token</c>.</param>
    /// <param name="times">How many answers are lost.</param>
    public void LoseAnswers(string path, int times = 1) => _lost[path] = times;

    /// <summary>
    /// Ends the connections that are open, as a server does that restarts: those that lie in a client's pool are closed, over HTTP/2 with a GOAWAY, and a request that is under way is answered
    /// first, over HTTP/1.1 with <c>Connection: close</c>. A client goes on over new ones, and nobody hears of it. Not for use within an answer.
    /// </summary>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>A task that is done when they have ended.</returns>
    public Task EndConnectionsAsync(CancellationToken cancel = default) => _open.EndAsync(cancel);

    /// <summary>Does everything right again.</summary>
    public void Mend()
    {
        (SpoilMetadata, SpoilTokens, SpoilIdToken, SpoilUserInfo, SpoilDevice) = (null, null, null, null, null);
        (SpoilCallback, SpoilIdTokenText, Keys, AuthorizeError, FormPostError) = (null, null, null, null, null);
        (SpoilPushed, PushedError, Posts, IdTokenType, GivesRefreshTokens) = (null, null, true, "JWT", true);
        ClockAhead = TimeSpan.Zero;
        Instead.Clear();
        _lost.Clear();
    }

    private bool IsLost(string path)
    {
        while (_lost.TryGetValue(path, out var left) && left > 0)
            if (_lost.TryUpdate(path, left - 1, left)) return true;
        return false;
    }

    private static async Task LoseAsync(HttpContext context, RequestDelegate next)
    {
        var wire = context.Response.Body;
        context.Response.Body = Stream.Null;
        await next(context);
        context.Response.Body = wire;
        context.Abort();
    }

    internal static Task GoAwayAsync(HttpContext context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            context.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>().RequestClose();
            context.Abort();
        }
        // Kestrel would reset it; this is the end that a server has for a connection which lay idle.
        else context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket.Shutdown(SocketShutdown.Both);
        return Task.CompletedTask;
    }

    private string? ErrorFor(HttpContext context) => context.Request.Headers[TestBrowser.DecisionHeader] == "deny" ? "access_denied" : AuthorizeError;
}
