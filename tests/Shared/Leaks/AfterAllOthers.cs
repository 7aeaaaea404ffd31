using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(ProofKey.Tests.Leaks.LastOfAll))]

namespace ProofKey.Tests.Leaks;

/// <summary>What does not run beside others runs after them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AfterAllOthers
{
    public const string Name = "after all others";
}

/// <summary>Where others do not run beside others either, <see cref="AfterAllOthers"/> is after these too.</summary>
public sealed class LastOfAll : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. DefaultTestCollectionOrderer.Instance.OrderTestCollections(testCollections).OrderBy(collection => collection.TestCollectionDisplayName == AfterAllOthers.Name)];
}
