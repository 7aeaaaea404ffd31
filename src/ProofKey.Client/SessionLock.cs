using System.Diagnostics;

namespace ProofKey.Client;

/// <summary>
/// The right to change a session file. It is held over read, refresh and write, so that no two processes spend one refresh token. The
/// lock is the system's own on an open file: it cannot outlive its process, and the lock file is never removed.
/// </summary>
internal sealed class SessionLock(FileStream? file, SemaphoreSlim gate) : IDisposable
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(90);

    public void Dispose()
    {
        file?.Dispose();
        gate.Release();
    }

    public static async Task<SessionLock?> TakeAsync(string path, SemaphoreSlim gate, Func<bool> settled, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (TryOpen(path) is { } file) return new SessionLock(file, gate);
            if (settled()) return null;
            if (Stopwatch.GetElapsedTime(started) > MaxWait) throw TooLong(path);
            // Uneven pauses keep many waiting processes from asking in step.
            await Task.Delay(TimeSpan.FromMilliseconds(10 + (Secret.NewBytes(1)[0] % 32)), TimeProvider.System, cancel);
        }
    }

    private static FileStream? TryOpen(string path)
    {
        try
        {
            SessionStore.MakeFolder(path);
            return new FileStream(path + ".lock", SessionStore.OwnerOnly(FileMode.OpenOrCreate, FileShare.None));
        }
        catch (IOException busy) when (IsHeld(busy))
        {
            return null;
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw SessionStore.Denied(path, denied);
        }
    }

    // EWOULDBLOCK on Linux and on macOS, a sharing violation on Windows
    internal static bool IsHeld(IOException busy) => OperatingSystem.IsWindows() ? (busy.HResult & 0xFFFF) == 32 : busy.HResult == (OperatingSystem.IsMacOS() ? 35 : 11);

    private static TokenStoreException TooLong(string path) => new(
        TokenStoreState.Locked, path, $"the lock of {path}", "another process has held it for more than 90 seconds", "End the program that hangs, or try again; nothing was changed.");
}
