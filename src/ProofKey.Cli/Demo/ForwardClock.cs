namespace ProofKey.Cli.Demo;

/// <summary>The system's clock, set forward: what the client takes for the time, so that nobody waits for a token to end.</summary>
internal sealed class ForwardClock : TimeProvider
{
    public TimeSpan Offset { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Offset;
}
