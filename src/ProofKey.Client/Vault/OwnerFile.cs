namespace ProofKey.Client;

/// <summary>Files that only their owner can read: mode 0600, in folders that are made with 0700.</summary>
internal static class OwnerFile
{
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnersFile | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const int MaxLength = 1024 * 1024;

    // A file that is not in its place yet; one that is left there was whole or not.
    private const string Next = ".new";

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

    /// <summary>Reads what was about to take a file's place when its program ended. Whoever writes at this moment has it for themselves.</summary>
    /// <returns>Its bytes, which need not be whole; <see langword="null"/> as a rule.</returns>
    public static byte[]? ReadNext(string path)
    {
        try
        {
            return Read(path + Next);
        }
        catch (TokenStoreException)
        {
            return null;
        }
    }

    /// <summary>Puts a new file in the old one's place in one step. Both the bytes and the step have reached the disk when it returns.</summary>
    /// <exception cref="TokenStoreException">It cannot be written, or could not be read again.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxLength) throw TooLarge(path, bytes.Length);
        try
        {
            // What was left there may be all that there is of a session: it goes when this has its place.
            var (left, next) = File.Exists(path + Next) ? (path + Next, path + Next + Next) : (null, path + Next);
            Contention.Outlast(() => File.Delete(next));
            // Whoever looks meanwhile reads half of it, which is nothing, and must not be in the way: the vault's own lock keeps writers apart.
            using (var file = new FileStream(next, Options(FileMode.CreateNew, FileShare.Read)))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }
            Contention.Outlast(() => File.Move(next, path, overwrite: true));
            FlushFolder(Path.GetDirectoryName(path)!);
            if (left is not null) Contention.Outlast(() => File.Delete(left));
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw TokenStoreException.Denied(path, denied);
        }
    }

    /// <summary>Deletes a file, if there is one, and what was about to take its place.</summary>
    /// <exception cref="TokenStoreException">It cannot be deleted.</exception>
    public static void Delete(string path)
    {
        try
        {
            foreach (var left in (string[])[path + Next + Next, path + Next]) Contention.Outlast(() => File.Delete(left));
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
        var made = new Stack<string>();
        for (var one = folder; one is not null && !Directory.Exists(one); one = Path.GetDirectoryName(one)) made.Push(one);
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnersFolder);
        foreach (var one in made) FlushFolder(Path.GetDirectoryName(one)!);
    }

    /// <summary>The path without any link in it, so that two ways to one file are one.</summary>
    public static string Real(string path)
    {
        if (Path.GetDirectoryName(path) is not { } folder) return path;
        var whole = Path.Combine(Real(folder), Path.GetFileName(path));
        try
        {
            return File.ResolveLinkTarget(whole, returnFinalTarget: true) is { } target ? Real(target.FullName) : whole;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return whole;
        }
    }

    /// <summary>Refuses a folder in which others can put another file in the place of one of ours; in a sticky one they cannot.</summary>
    /// <exception cref="TokenStoreException">It is one.</exception>
    public static void ThrowIfFolderExposed(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var folder = Path.GetDirectoryName(path)!;
        var mode = File.GetUnixFileMode(folder);
        if ((mode & OthersWrite) != 0 && !mode.HasFlag(UnixFileMode.StickyBit))
            throw new TokenStoreException(TokenStoreState.Exposed, path, $"a folder for {path} that others cannot change", "others can write to it", $"Take that from them (chmod go-w {ShellText.Argument(folder)}), or choose another folder.");
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
        try
        {
            if (OperatingSystem.IsWindows()) return PeekShared(path, bytes);
            var (file, error) = CLibrary.OpenToRead(path);
            using (file) return error == 0 ? RandomAccess.Read(file, bytes, 0) : 0;
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static int PeekShared(string path, Span<byte> bytes)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return RandomAccess.Read(file.SafeFileHandle, bytes, 0);
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
        ThrowIfFolderExposed(path);
    }

    private static TokenStoreException TooLarge(string path, int length) => new(
        TokenStoreState.Denied, path, $"a session of at most {MaxLength / 1024} KiB", $"it has {length / 1024}", "Ask for fewer APIs in one sign-in, or for smaller tokens.");

    /// <summary>Brings a rename to the disk: it is in the folder, and the folder has a place there of its own.</summary>
    /// <exception cref="IOException">The system cannot.</exception>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var (file, error) = CLibrary.OpenToRead(folder);
        using (file)
        {
            // Who may write there and not look has done what there is to do.
            if (error == CLibrary.AccessDenied) return;
            if (error != 0 || (error = CLibrary.TryFlush(file)) != 0) throw CLibrary.Failed(folder, error);
        }
    }
}
