using System.Diagnostics;

namespace ProofKey.Client;

/// <summary>
/// On Windows nobody can replace, delete or open a file in the moment in which another program, a virus scanner among them, reads or replaces it. Such a
/// moment is waited out. Written to its documentation; that system is not run by our tests.
/// </summary>
internal static class Contention
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(15);

    public static void Outlast(Action attempt) => Outlast(() =>
    {
        attempt();
        return true;
    });

    public static T Outlast<T>(Func<T> attempt) => OperatingSystem.IsWindows() ? Outlast(attempt, Limit) : attempt();

    /// <summary>Tries until it is done, or has met others for too long.</summary>
    internal static T Outlast<T>(Func<T> attempt, TimeSpan limit)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return attempt();
            }
            catch (Exception busy) when (MeansBusy(busy) && Stopwatch.GetElapsedTime(started) < limit)
            {
                // The reads and writes around are synchronous, and so is this.
                Thread.Sleep(Pause);
            }
        }
    }

    // ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION; and ERROR_ACCESS_DENIED, which a file says that is open or being deleted.
    private static bool MeansBusy(Exception exception) => exception is UnauthorizedAccessException || (exception is IOException && (exception.HResult & 0xFFFF) is 32 or 33);
}
