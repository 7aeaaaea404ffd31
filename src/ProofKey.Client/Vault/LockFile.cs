using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ProofKey.Client;

/// <summary>
/// A file that one program at a time has the lock of. It is the system's own lock on an open file, so it cannot outlive its process, and the file is never
/// removed. The platform's way of opening locks too, but goes on where that fails, and a variable switches it off: so the lock is taken here (flock).
/// </summary>
internal sealed class LockFile : IDisposable
{
    private const int NumberLength = 12;
    // What tells two holders in one process apart: six random bytes as text.
    private const int TagLength = 8;
    private const int HostLength = 64;
    private const int NameLength = NumberLength + TagLength + HostLength;

    private readonly SafeFileHandle _file;

    private LockFile(SafeFileHandle file) => _file = file;

    public void Dispose()
    {
        if (!OperatingSystem.IsWindows()) CLibrary.Release(_file);
        _file.Dispose();
    }

    /// <summary>Takes the lock of a file, which is made if need be.</summary>
    /// <returns>The lock, or <see langword="null"/> where another one has it.</returns>
    /// <exception cref="TokenStoreException">Nobody can have it there, or others could meddle with it.</exception>
    public static LockFile? TryTake(string path)
    {
        try
        {
            OwnerFile.MakeFolder(path);
            OwnerFile.ThrowIfFolderExposed(path);
            if ((OperatingSystem.IsWindows() ? OpenShared(path) : OpenAndLock(path)) is not { } file) return null;
            Name(file);
            return new LockFile(file);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw TokenStoreException.Denied(path, denied);
        }
    }

    /// <summary>What the last holder wrote into the file: another text for each.</summary>
    public static string Peek(string path)
    {
        Span<byte> named = stackalloc byte[NameLength];
        return Encoding.ASCII.GetString(named[..OwnerFile.Peek(path, named)]);
    }

    /// <summary>Names the holder of a lock, as far as it is known.</summary>
    public static string HolderOf(string path)
    {
        var named = Peek(path);
        if (!int.TryParse(named.AsSpan(0, Math.Min(named.Length, NumberLength)), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number)) return "another process";
        var host = named.Length == NameLength ? named[^HostLength..].TrimEnd() : "";
        // The number means nothing on another machine, or in another container.
        return host.Length == 0 || host == Host() || !host.All(IsOfName) ? $"process {number}" : $"process {number} on {host}";
    }

    /// <summary>Takes the lock of an open file.</summary>
    /// <returns>Whether it was to be had.</returns>
    /// <exception cref="TokenStoreException">The file system has no locks that work.</exception>
    internal static bool TryLock(SafeFileHandle file, string path)
    {
        var error = CLibrary.TryLock(file);
        if (error == 0) return true;
        if (error == CLibrary.WouldBlock) return false;
        throw new TokenStoreException(
            TokenStoreState.Denied, path, $"a lock on {path}, so that no two programs renew one session", CLibrary.Failed("the file system refuses it", error).Message,
            "Keep the sessions in a folder on a local disk.");
    }

    private static SafeFileHandle? OpenAndLock(string path)
    {
        while (true)
        {
            var (file, error) = CLibrary.OpenToLock(path);
            if (error == CLibrary.NoEntry)
            {
                Make(path);
                continue;
            }
            if (error == CLibrary.TooManyLinks) throw IsLink(path);
            if (error != 0) throw CLibrary.Failed(path, error);
            try
            {
                if (TryLock(file, path)) return file;
            }
            catch
            {
                file.Dispose();
                throw;
            }
            file.Dispose();
            return null;
        }
    }

    private static void Make(string path)
    {
        try
        {
            new FileStream(path, OwnerFile.Options(FileMode.CreateNew, FileShare.ReadWrite)).Dispose();
        }
        catch (IOException) when (Path.Exists(path))
        {
            // Another one was faster.
        }
    }

    // Sharing to read keeps other writers away, and lets who waits see the holder's name.
    private static SafeFileHandle? OpenShared(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        }
        catch (IOException busy) when ((busy.HResult & 0xFFFF) == 32)
        {
            return null;
        }
    }

    // For the message to those who wait too long; a lock on a full disk is one all the same.
    private static void Name(SafeFileHandle file)
    {
        try
        {
            var number = Environment.ProcessId.ToString(CultureInfo.InvariantCulture).PadRight(NumberLength);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(number + Secret.NewText(6) + Host().PadRight(HostLength)), 0);
        }
        catch (IOException)
        {
            // Then it stays unnamed.
        }
    }

    private static string Host() => Environment.MachineName is { Length: <= HostLength } name && name.All(IsOfName) ? name : "";

    private static bool IsOfName(char character) => char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_';

    private static TokenStoreException IsLink(string path) => new(
        TokenStoreState.Exposed, path, $"a lock file at {path}", "it is a link to another file, which to lock would overwrite", "Remove the link; if you did not make it, see who may write to its folder.");
}
