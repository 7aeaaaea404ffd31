using System.Diagnostics;

namespace ProofKey.Client;

/// <summary>
/// The right to change a vault, or to ask a person to sign in. It is held over read, refresh and write, so that no two processes spend one
/// refresh token.
/// </summary>
internal sealed class VaultLock(LockFile? file, Action released) : IDisposable
{
    private int _isReleased;

    public void Dispose()
    {
        // A sign-in gives its turn back when it has ended, and again when it is disposed.
        if (Interlocked.Exchange(ref _isReleased, 1) != 0) return;
        file?.Dispose();
        released();
    }

    /// <summary>Takes a lock, waiting while another process has it.</summary>
    /// <returns>The lock, or <see langword="null"/> once <paramref name="settled"/> was true.</returns>
    /// <exception cref="TokenStoreException">The lock file cannot be made or locked, or one holder had it for longer than <paramref name="limit"/>.</exception>
    public static async Task<VaultLock?> TakeAsync(string path, Action released, Func<Task<bool>> settled, TimeSpan pause, TimeSpan limit, CancellationToken cancel)
    {
        var (since, holder) = (Stopwatch.GetTimestamp(), "");
        while (true)
        {
            if (LockFile.TryTake(path) is { } file) return new VaultLock(file, released);
            if (await settled().ConfigureAwait(false)) return null;
            // Many who work in turn are no one who hangs.
            if (LockFile.Peek(path) is var now && now != holder) (since, holder) = (Stopwatch.GetTimestamp(), now);
            if (Stopwatch.GetElapsedTime(since) > limit) throw TooLong(path, limit);
            // Uneven pauses keep many waiting processes from asking in step.
            await Task.Delay(pause + TimeSpan.FromMilliseconds(Secret.NewBytes(1)[0] % 32), TimeProvider.System, cancel).ConfigureAwait(false);
        }
    }

    private static TokenStoreException TooLong(string path, TimeSpan limit) => new(
        TokenStoreState.Locked, path, $"the lock {path}", $"{LockFile.HolderOf(path)} has held it for more than {limit.TotalSeconds:0} seconds", "End that program if it hangs, or try again; nothing was changed.");
}
