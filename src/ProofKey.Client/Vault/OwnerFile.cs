using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ProofKey.Client;

/// <summary>Files that only their owner can read: mode 0600, in folders that are made with 0700.</summary>
internal static partial class OwnerFile
{
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnersFile | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const int MaxLength = 1024 * 1024;

    /// <summary>Reads a file without waiting for anybody: one that is replaced is whole at any time.</summary>
    /// <returns>Its bytes, or <see langword="null"/> when there is none.</returns>
    /// <exception cref="TokenStoreException">It cannot be read, or others can read or replace it.</exception>
    public static byte[]? Read(string path, string what = "a vault")
    {
        try
        {
            ThrowIfExposed(path, what);
            return Contention.Outlast(() => ReadOnce(path));
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw TokenStoreException.Denied(path, denied);
        }
    }

    /// <summary>Puts a new file in the old one's place in one step. Both the bytes and the step have reached the disk when it returns.</summary>
    /// <exception cref="TokenStoreException">It cannot be written.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        try
        {
            var next = path + ".new";
            Contention.Outlast(() => File.Delete(next));
            using (var file = new FileStream(next, Options(FileMode.CreateNew, FileShare.None)))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }
            Contention.Outlast(() => File.Move(next, path, overwrite: true));
            FlushFolder(Path.GetDirectoryName(path)!);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw TokenStoreException.Denied(path, denied);
        }
    }

    /// <summary>Deletes a file, if there is one.</summary>
    /// <exception cref="TokenStoreException">It cannot be deleted.</exception>
    public static void Delete(string path)
    {
        try
        {
            Contention.Outlast(() => File.Delete(path));
            FlushFolder(Path.GetDirectoryName(path)!);
        }
        catch (DirectoryNotFoundException)
        {
            // Then there is no file either.
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw TokenStoreException.Denied(path, denied);
        }
    }

    /// <summary>Makes the folder of a file if need be, for its owner alone.</summary>
    public static void MakeFolder(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnersFolder);
    }

    public static FileStreamOptions Options(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnersFile;
        return options;
    }

    /// <summary>Reads the start of a file that somebody holds a lock on, which the platform's own way of opening respects.</summary>
    /// <returns>How many bytes there were; none where they cannot be had.</returns>
    public static int Peek(string path, Span<byte> bytes)
    {
        if (OperatingSystem.IsWindows()) return PeekShared(path, bytes);
        using var file = new SafeFileHandle(Open(path, 0), ownsHandle: true);
        return file.IsInvalid ? 0 : RandomAccess.Read(file, bytes, 0);
    }

    private static int PeekShared(string path, Span<byte> bytes)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return RandomAccess.Read(file.SafeFileHandle, bytes, 0);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static byte[] ReadOnce(string path)
    {
        using var file = new FileStream(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete });
        if (file.Length > MaxLength) throw TokenStoreException.Damaged(path, "it is far too long");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    // What others can read is theirs too; to go on in silence would hide it.
    private static void ThrowIfExposed(string path, string what)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path)) return;
        if ((File.GetUnixFileMode(path) & Others) != 0)
            throw new TokenStoreException(TokenStoreState.Exposed, path, $"{what} at {path} for its owner alone (mode 0600)", "others can read or write it", "If nobody did, set its mode (chmod 600); else remove it and sign in again.");
        var folder = File.GetUnixFileMode(Path.GetDirectoryName(path)!);
        if (folder.HasFlag(UnixFileMode.OtherWrite) && !folder.HasFlag(UnixFileMode.StickyBit))
            throw new TokenStoreException(TokenStoreState.Exposed, path, $"a folder for {path} that others cannot change", "everybody can write to it", "Take the right to write from others (chmod o-w), or choose another folder.");
    }

    // A rename is in the folder, and the folder has a place on the disk of its own.
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0) return;
        _ = Flush(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
