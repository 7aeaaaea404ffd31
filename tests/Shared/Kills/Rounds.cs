using System.Diagnostics;
using System.Globalization;

namespace ProofKey.Tests.Kills;

/// <summary>
/// How often a fault is tried. In the short form once, with dice that fall the same in every run; <c>PROOFKEY_CHAOS_ROUNDS</c> says how often
/// in the long one, each time with other dice. A failure prints its seed, and <c>PROOFKEY_CHAOS_SEED</c> tries that one again: the same
/// choices, though never quite the same moments.
/// </summary>
internal static partial class Rounds
{
    private static readonly int? Many = int.TryParse(Environment.GetEnvironmentVariable("PROOFKEY_CHAOS_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) ? rounds : null;

    private static readonly uint? Seed = uint.TryParse(Environment.GetEnvironmentVariable("PROOFKEY_CHAOS_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : null;

    private static long _answers;

    /// <summary>Whether there is time for what takes long.</summary>
    public static bool AreMany => Many is not null;

    /// <summary>Counts an answer that a client got.</summary>
    public static void Count() => Interlocked.Increment(ref _answers);

    /// <summary>Tries something, with dice for each round, and says what it came to.</summary>
    public static async Task RunAsync(Func<Dice, Task> round)
    {
        var (rounds, began, before) = (Seed is null ? Many ?? 1 : 1, Stopwatch.GetTimestamp(), _answers);
        for (var number = 0; number < rounds; number++)
        {
            var seed = Seed ?? (AreMany ? BitConverter.ToUInt32(Secret.NewBytes(4)) : 1);
            try
            {
                await round(new Dice(seed));
                // Many rounds have more secrets than there is room for.
                if (AreMany) SuiteWitness.OfThisSuite.FindAndForget().ShouldBeEmpty();
            }
            catch (Exception exception)
            {
                var failure = $"Round {number + 1}, PROOFKEY_CHAOS_SEED={seed}: {exception}";
                AddLog(ref failure);
                Assert.Fail(failure);
            }
        }
        Tell($"{rounds} rounds,{(_answers > before ? $" {_answers - before} answers," : "")} {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s");
    }

    /// <summary>Says what a test came to.</summary>
    public static void Tell(string figures) => TestContext.Current.TestOutputHelper!.WriteLine(figures);

    /// <summary>Adds what servers said to a failure, where the assembly has servers that say something.</summary>
    static partial void AddLog(ref string failure);
}
