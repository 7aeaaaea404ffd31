// Each of them keeps the machine busy, and waits for what it does to the others.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace ProofKey.Tests.Kills;

internal static partial class Rounds
{
    static partial void AddLog(ref string failure) => failure += $"\n\nThe servers said last:\n{ServerProcess.Log}";
}
