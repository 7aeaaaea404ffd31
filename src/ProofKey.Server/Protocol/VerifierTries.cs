using System.Collections.Concurrent;

namespace ProofKey.Server.Protocol;

/// <summary>
/// Counts wrong verifiers for each code and client address, in memory: after five, that address is refused for the rest of the code's
/// life, and the right verifier from elsewhere still redeems. Only codes whose seal opened are counted, so strangers cannot fill it.
/// </summary>
internal sealed class VerifierTries
{
    /// <summary>How many wrong verifiers an address may send for one code.</summary>
    public const int Limit = 5;

    private const int MaxEntries = 50_000;

    private readonly ConcurrentDictionary<(Guid Grant, string Address), (int Count, DateTimeOffset Until)> _tries = new();

    private long _sweptAt;

    public bool AreUsedUp(byte[] grantId, string address) => _tries.TryGetValue((new Guid(grantId), address), out var tries) && tries.Count >= Limit;

    public void Count(byte[] grantId, string address, DateTimeOffset until, DateTimeOffset now)
    {
        ForgetEnded(now);
        // Full of live entries is a flood by someone with an account; a verifier of 256 bits is not guessed by then either.
        if (_tries.Count >= MaxEntries) return;
        _tries.AddOrUpdate((new Guid(grantId), address), (1, until), (_, tries) => (tries.Count + 1, until));
    }

    // At most once a second, so that a flood of wrong verifiers does not pay for it each time.
    private void ForgetEnded(DateTimeOffset now)
    {
        var last = Interlocked.Read(ref _sweptAt);
        if (now.UtcTicks - last < TimeSpan.TicksPerSecond || Interlocked.CompareExchange(ref _sweptAt, now.UtcTicks, last) != last) return;
        foreach (var (key, tries) in _tries)
            if (tries.Until <= now) _tries.TryRemove(key, out _);
    }
}
