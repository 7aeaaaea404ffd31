using System.Threading.RateLimiting;

namespace ProofKey.Server.Accounts;

/// <summary>Bounds the tries to sign in from one network address, in this process.</summary>
internal sealed class SignInThrottle : IDisposable
{
    /// <summary>How many tries an address has a minute.</summary>
    public const int TriesPerMinute = 60;

    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(address =>
        RateLimitPartition.GetFixedWindowLimiter(address, _ => new FixedWindowRateLimiterOptions { PermitLimit = TriesPerMinute, Window = TimeSpan.FromMinutes(1) }));

    public bool Admits(string address)
    {
        using var lease = _limiter.AttemptAcquire(address);
        return lease.IsAcquired;
    }

    public void Dispose() => _limiter.Dispose();
}
