namespace ProofKey.Tests;

/// <summary>The system's clock, moved by as much as a test says; timers run as ever.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _shift;

    public TimeSpan Shift
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _shift));
        set => Volatile.Write(ref _shift, value.Ticks);
    }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;
}
