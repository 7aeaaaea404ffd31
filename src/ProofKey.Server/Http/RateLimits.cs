using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ProofKey.Server.Http;

/// <summary>What of a route's requests is counted for each network address.</summary>
internal enum Limit
{
    /// <summary>Nothing: what the route does is cheap, and guards no secret.</summary>
    None,

    /// <summary>Refused requests: whoever sends good ones is never slowed (<see cref="ServerOptions.RefusalsPerMinute"/>).</summary>
    Refusals,

    /// <summary>Refused tries at something that a person types, such as a password (<see cref="ServerOptions.TriesPerMinute"/>).</summary>
    Tries,

    /// <summary>Every request: each one adds a row, and anybody may send it (<see cref="ServerOptions.RequestsPerMinute"/>).</summary>
    Requests,

    /// <summary>Origins that belong to no client: to learn that costs a query (<see cref="ServerOptions.RefusalsPerMinute"/>).</summary>
    Origins,
}

/// <summary>
/// Bounds floods from one network address, route by route, in this process. It is no guard of a secret: those are counted in the database, before
/// they are compared. Clients are not counted by their id, since anybody may send it, and could shut the client out.
/// </summary>
internal sealed class RateLimits : IDisposable
{
    /// <summary>
    /// How many windows are open at once. When there are so many, whoever has one keeps it, and the others share one with their wider network,
    /// of which there are far fewer: memory stays bounded, and no flood lifts the limits.
    /// </summary>
    internal const int MaxWindows = 50_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    // What a request of everyday length is, and which further characters of one that is kept count as another.
    private const int Everyday = 512;
    private const int Further = 256;

    // Refusals that a well-behaved client meets on its way: a device that waits for its person, a key that needs a nonce first.
    // A poll that comes too fast is none of them: each one writes a row.
    private static readonly string[] Expected = ["authorization_pending", "use_dpop_nonce"];

    private readonly PartitionedRateLimiter<Counted> _limiter;
    private readonly ServerOptions _options;
    private readonly ConcurrentDictionary<Counted, bool> _open = new();
    private readonly TimeProvider _time;
    private int _windows;

    public RateLimits(ServerOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        Func<Counted, RateLimiter> open = Open;
        _limiter = PartitionedRateLimiter.Create<Counted, Counted>(counted => RateLimitPartition.Get(
            Volatile.Read(ref _windows) < MaxWindows || _open.ContainsKey(counted) ? counted : counted with { Address = ClientAddress.Wider(counted.Address) }, open));
    }

    /// <summary>Admits a request, or says how long its address has to wait.</summary>
    public TimeSpan? WaitFor(HttpContext context, Limit limit)
    {
        if (limit == Limit.None) return null;
        using var lease = _limiter.AttemptAcquire(Of(context, limit), limit == Limit.Requests ? 1 : 0);
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : Window;
    }

    /// <summary>Counts a request that was answered with a refusal.</summary>
    public void Settle(HttpContext context, Limit limit)
    {
        if (limit is Limit.None or Limit.Requests || context.Response.StatusCode is < 400 or >= 500 or StatusCodes.Status429TooManyRequests) return;
        if (Answers.ErrorOf(context) is { } error && Expected.Contains(error.Code)) return;
        Count(context, limit);
    }

    /// <summary>Counts one, whatever becomes of the request.</summary>
    public void Count(HttpContext context, Limit limit) => _limiter.AttemptAcquire(Of(context, limit)).Dispose();

    /// <summary>Counts what a request leaves in a row: one that is longer than everyday takes the place of several, so that nobody fills the disk.</summary>
    public void CountKept(HttpContext context, int length)
    {
        if (length > Everyday) _limiter.AttemptAcquire(Of(context, Limit.Requests), (length - Everyday + Further - 1) / Further).Dispose();
    }

    public void Dispose() => _limiter.Dispose();

    private CountedWindow Open(Counted counted)
    {
        if (_open.TryAdd(counted, true)) Interlocked.Increment(ref _windows);
        return new CountedWindow(MostOf(counted.Limit), Window, _time, () =>
        {
            if (_open.TryRemove(counted, out _)) Interlocked.Decrement(ref _windows);
        });
    }

    private int MostOf(Limit limit) => limit switch
    {
        Limit.Tries => _options.TriesPerMinute,
        Limit.Requests => _options.RequestsPerMinute,
        _ => _options.RefusalsPerMinute,
    };

    // The route's own pattern: a path can be spelled in many ways.
    private static Counted Of(HttpContext context, Limit limit) => new(limit, (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText, ClientAddress.Of(context));

    private readonly record struct Counted(Limit Limit, string? Route, string Address);
}
