using System.Diagnostics.CodeAnalysis;
using System.Threading.RateLimiting;

namespace ProofKey.Server.Http;

/// <summary>
/// A limiter of the platform's kind on the server's own clock: so many in a window that begins with the first. To ask for none tells whether one is
/// left and counts nothing; to ask for one counts it in any case.
/// </summary>
internal sealed class CountedWindow(int most, TimeSpan length, TimeProvider time, Action? closed = null) : RateLimiter
{
    private static readonly Lease Admitted = new(null);

    private readonly Lock _gate = new();
    private DateTimeOffset _openedAt = DateTimeOffset.MinValue;
    private DateTimeOffset _usedAt = time.GetUtcNow();
    private int _count;

    /// <summary>A window with a count is in use until it is over; then it can be forgotten.</summary>
    public override TimeSpan? IdleDuration
    {
        get
        {
            lock (_gate)
            {
                var now = time.GetUtcNow();
                return _count > 0 && !IsOver(now) ? null : now - _usedAt;
            }
        }
    }

    public override RateLimiterStatistics? GetStatistics() => null;

    protected override RateLimitLease AttemptAcquireCore(int permitCount)
    {
        lock (_gate)
        {
            var now = _usedAt = time.GetUtcNow();
            if (_count > 0 && IsOver(now)) _count = 0;
            if (permitCount > 0 && _count == 0) _openedAt = now;
            var isLeft = _count < most;
            if (isLeft) _count += permitCount;
            return isLeft ? Admitted : new Lease(_openedAt + length - now);
        }
    }

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken) => new(AttemptAcquireCore(permitCount));

    protected override void Dispose(bool disposing)
    {
        if (disposing) closed?.Invoke();
        base.Dispose(disposing);
    }

    // A clock that was set back must not make a window last for ever.
    private bool IsOver(DateTimeOffset now) => now >= _openedAt + length || now < _openedAt;

    private sealed class Lease(TimeSpan? retryAfter) : RateLimitLease
    {
        public override bool IsAcquired => retryAfter is null;

        public override IEnumerable<string> MetadataNames => retryAfter is null ? [] : [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, [NotNullWhen(true)] out object? metadata)
        {
            metadata = metadataName == MetadataName.RetryAfter.Name ? retryAfter : null;
            return metadata is not null;
        }
    }
}
