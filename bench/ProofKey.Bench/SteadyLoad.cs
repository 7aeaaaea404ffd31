using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ProofKey.Bench;

/// <summary>
/// Refreshes that fall due at a fixed rate, whether or not the ones before were answered. How long one took counts from when it was due, so that
/// those which had to wait for a slow one are slow themselves (no coordinated omission).
/// </summary>
internal sealed partial class SteadyLoad : IDisposable
{
    private readonly List<Thread> _threads = [];
    private readonly ConcurrentQueue<Sample> _samples = [];
    private readonly ConcurrentQueue<Exception> _failures = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private volatile bool _isOver;

    /// <param name="flows">The connections.</param>
    /// <param name="grants">How many grants each refreshes in turn.</param>
    /// <param name="perSecond">How many fall due a second, over all connections.</param>
    public SteadyLoad(IReadOnlyList<Flow> flows, int grants, double perSecond)
    {
        var own = flows.Select(flow =>
        {
            var queue = new ConcurrentQueue<string>();
            while (queue.Count < grants) flow.SignInFor(queue);
            return queue;
        }).ToList();
        _start = Stopwatch.GetTimestamp();
        var interval = TimeSpan.FromSeconds(flows.Count / perSecond);
        for (var i = 0; i < flows.Count; i++)
        {
            var (flow, queue, first) = (flows[i], own[i], interval * i / flows.Count);
            _threads.Add(new Thread(() => Run(flow, queue, first, interval)));
        }
        _threads.ForEach(thread => thread.Start());
    }

    /// <summary>The time that the samples are in.</summary>
    public TimeSpan Now => Stopwatch.GetElapsedTime(_start);

    /// <summary>Stops, and gives all that there was.</summary>
    public IReadOnlyList<Sample> Stop()
    {
        _isOver = true;
        _threads.ForEach(thread => thread.Join());
        return _failures.IsEmpty ? [.. _samples] : throw new AggregateException(_failures);
    }

    public void Dispose()
    {
        _isOver = true;
        _threads.ForEach(thread => thread.Join());
    }

    private void Run(Flow flow, ConcurrentQueue<string> grants, TimeSpan due, TimeSpan interval)
    {
        try
        {
            for (; !_isOver; due += interval)
            {
                // The system's timer is a twentieth of a millisecond late; the platform's own waits are whole milliseconds.
                if (due - Now is { Ticks: > 0 } early) _ = Sleep((uint)Math.Min(early.TotalMicroseconds, 900_000));
                flow.RefreshNext(grants);
                _samples.Enqueue(new(due, Now - due));
            }
        }
        catch (Exception exception)
        {
            _failures.Enqueue(exception);
        }
    }

    [LibraryImport("libc", EntryPoint = "usleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sleep(uint microseconds);
}

/// <summary>One refresh: when it was due, and how long from then on it took.</summary>
internal sealed record Sample(TimeSpan Due, TimeSpan Took);
