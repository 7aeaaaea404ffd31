namespace ProofKey.Client;

/// <summary>
/// Notices that the machine slept: the wall clock went on, and the clock that counts from the start stood still. All programs of a machine wake in the same
/// instant, and each finds its token past the time of its renewal.
/// </summary>
internal sealed class WakeUp(TimeProvider time)
{
    // Shorter jumps are the system's clock being set, and harm nobody.
    private static readonly TimeSpan Nap = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Spread = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private (DateTimeOffset Wall, long Steady) _seen = (time.GetUtcNow(), time.GetTimestamp());

    /// <summary>How long a renewal waits, so that not all come to the server at once: up to two seconds after a sleep, nothing otherwise.</summary>
    /// <param name="token">The token that is to be renewed, if there is one.</param>
    /// <param name="renewsAfter">The part of its life after which it was due.</param>
    public TimeSpan Pause(HeldToken? token, double renewsAfter)
    {
        var slept = Slept();
        return slept > Nap && token?.IsPast(renewsAfter, time.GetUtcNow() - Nap) == true ? TimeSpan.FromMilliseconds(1) + (Chance() * Spread) : TimeSpan.Zero;
    }

    /// <summary>A number from 0 to 1 that differs from program to program.</summary>
    public static double Chance() => (double)BitConverter.ToUInt32(Secret.NewBytes(4)) / uint.MaxValue;

    // Since the last look: a sleep is noticed once.
    private TimeSpan Slept()
    {
        lock (_lock)
        {
            var (wall, steady) = _seen;
            _seen = (time.GetUtcNow(), time.GetTimestamp());
            return _seen.Wall - wall - time.GetElapsedTime(steady, _seen.Steady);
        }
    }
}
