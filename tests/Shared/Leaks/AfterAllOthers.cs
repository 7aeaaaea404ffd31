namespace ProofKey.Tests.Leaks;

/// <summary>What does not run beside others runs after them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AfterAllOthers
{
    public const string Name = "after all others";
}
