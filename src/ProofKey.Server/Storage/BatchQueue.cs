using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace ProofKey.Server.Storage;

/// <summary>What waits for the database at the same time is taken together: the busier it is, the more share a round trip and a commit.</summary>
/// <typeparam name="T">What waits.</typeparam>
internal sealed class BatchQueue<T> : IAsyncDisposable
{
    /// <summary>The most that go together; a batch never waits to fill.</summary>
    private const int MaxBatch = 64;

    /// <summary>How long a batch may take before the next one goes beside it: something is in its way, such as somebody's lock on one of its rows.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(25);

    private readonly Channel<T> _waiting = Channel.CreateBounded<T>(4096);
    private readonly Func<List<T>, Task> _run;
    private readonly Task _runner;

    /// <param name="usual">How many batches are under way at a time. The fewer, the more share each.</param>
    /// <param name="most">How many there are when they take long.</param>
    /// <param name="givesWay">Whether everything that is ready to run goes before the next batch. What it brings goes with that batch, and nothing is waited for.</param>
    /// <param name="run">Runs a batch. It tells everyone in it how it went, and never throws.</param>
    public BatchQueue(int usual, int most, bool givesWay, Func<List<T>, Task> run)
    {
        _run = run;
        // Many processors may make more usual than there are when batches take long; it is the bound then.
        _runner = Task.Run(() => RunAsync(usual, Math.Max(usual, most), givesWay));
    }

    /// <summary>Adds to what waits.</summary>
    /// <returns>Whether there was room, and the queue is open.</returns>
    public bool TryAdd(T item) => _waiting.Writer.TryWrite(item);

    /// <summary>Takes something out of what waits.</summary>
    public bool TryTake([MaybeNullWhen(false)] out T item) => _waiting.Reader.TryRead(out item);

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _runner;
    }

    private async Task RunAsync(int usual, int most, bool givesWay)
    {
        var underWay = new List<Task>();
        while (true)
        {
            var next = _waiting.Reader.WaitToReadAsync();
            if (givesWay && next.IsCompleted) await Task.Yield();
            if (!await next) break;
            var batch = new List<T>();
            while (batch.Count < MaxBatch && TryTake(out var item)) batch.Add(item);
            if (batch.Count == 0) continue;
            underWay.Add(RunAsync(batch));
            if (underWay.Count >= usual) await PlaceAsync(underWay, most);
            underWay.RemoveAll(run => run.IsCompleted);
        }
        await Task.WhenAll(underWay);
    }

    // Whatever a batch does in spite of its promise, those behind it go on.
    private async Task RunAsync(List<T> batch)
    {
        try
        {
            await _run(batch);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
        }
    }

    // There is a place for the next batch when one is done, or, if there are more places, when that takes too long.
    private static async Task PlaceAsync(List<Task> underWay, int most)
    {
        var done = underWay.Count == 1 ? underWay[0] : Task.WhenAny(underWay);
        if (done.IsCompleted || underWay.Count == most) await done;
        else await done.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
