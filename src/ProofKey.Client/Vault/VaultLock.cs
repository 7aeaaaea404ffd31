using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ProofKey.Client;

/// <summary>
/// The right to change a vault, or to ask a person to sign in. It is held over read, refresh and write, so that no two processes spend one
/// refresh token. The lock is the system's own on an open file: it cannot outlive its process, and the lock file is never removed.
/// </summary>
internal sealed class VaultLock(FileStream? file, Action released) : IDisposable
{
    private const int HolderLength = 12;
    // What tells two holders in one process apart: six random bytes as text.
    private const int TagLength = 8;

    public void Dispose()
    {
        file?.Dispose();
        released();
    }

    /// <summary>Takes a lock, waiting while another process has it.</summary>
    /// <returns>The lock, or <see langword="null"/> once <paramref name="settled"/> was true.</returns>
    /// <exception cref="TokenStoreException">The lock file cannot be made, or one holder had it for longer than <paramref name="limit"/>.</exception>
    public static async Task<VaultLock?> TakeAsync(string path, Action released, Func<Task<bool>> settled, TimeSpan pause, TimeSpan limit, CancellationToken cancel)
    {
        var (since, holder) = (Stopwatch.GetTimestamp(), "");
        while (true)
        {
            if (TryOpen(path) is { } file) return new VaultLock(file, released);
            if (await settled()) return null;
            // Many who work in turn are no one who hangs.
            if (Peek(path) is var now && now != holder) (since, holder) = (Stopwatch.GetTimestamp(), now);
            if (Stopwatch.GetElapsedTime(since) > limit) throw TooLong(path, limit);
            // Uneven pauses keep many waiting processes from asking in step.
            await Task.Delay(pause + TimeSpan.FromMilliseconds(Secret.NewBytes(1)[0] % 32), TimeProvider.System, cancel);
        }
    }

    // On Windows sharing to read keeps other writers away and lets who waits see the holder's name; elsewhere it would be a lock that many can have.
    private static FileShare Sharing => OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None;

    private static FileStream? TryOpen(string path)
    {
        try
        {
            OwnerFile.MakeFolder(path);
            var file = new FileStream(path, OwnerFile.Options(FileMode.OpenOrCreate, Sharing));
            NameHolder(file);
            return file;
        }
        catch (IOException busy) when (IsHeld(busy))
        {
            return null;
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw TokenStoreException.Denied(path, denied);
        }
    }

    // For the message to those who wait too long; a lock on a full disk is one all the same.
    private static void NameHolder(FileStream file)
    {
        try
        {
            RandomAccess.Write(file.SafeFileHandle, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture).PadRight(HolderLength) + Secret.NewText(6)), 0);
        }
        catch (IOException)
        {
            // Then it stays unnamed.
        }
    }

    // EWOULDBLOCK on Linux and on macOS, a sharing violation on Windows
    private static bool IsHeld(IOException busy) => OperatingSystem.IsWindows() ? (busy.HResult & 0xFFFF) == 32 : busy.HResult == (OperatingSystem.IsMacOS() ? 35 : 11);

    private static TokenStoreException TooLong(string path, TimeSpan limit) => new(
        TokenStoreState.Locked, path, $"the lock {path}", $"{Holder(path)} has held it for more than {limit.TotalSeconds:0} seconds", "End that program if it hangs, or try again; nothing was changed.");

    private static string Holder(string path)
    {
        var named = Peek(path);
        return int.TryParse(named.AsSpan(0, Math.Min(named.Length, HolderLength)), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number) ? $"process {number}" : "another process";
    }

    private static string Peek(string path)
    {
        Span<byte> named = stackalloc byte[HolderLength + TagLength];
        return Encoding.ASCII.GetString(named[..OwnerFile.Peek(path, named)]);
    }
}
