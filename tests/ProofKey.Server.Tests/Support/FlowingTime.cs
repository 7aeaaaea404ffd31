namespace ProofKey.Server.Tests.Support;

/// <summary>The time of day of another clock, and waits that end.</summary>
internal sealed class FlowingTime(TimeProvider timeOfDay) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => timeOfDay.GetUtcNow();
}
