namespace ProofKey.Testing;

/// <summary>The system's clock, moved by as much as a test says; timers run as ever.</summary>
public sealed class ShiftedTime : TimeProvider
{
    private long _shift;

    /// <summary>How far it is from the system's clock.</summary>
    public TimeSpan Shift
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _shift));
        set => Volatile.Write(ref _shift, value.Ticks);
    }

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;

    /// <inheritdoc />
    public override long GetTimestamp() => base.GetTimestamp() + (Shift.Ticks * (TimestampFrequency / TimeSpan.TicksPerSecond));
}
