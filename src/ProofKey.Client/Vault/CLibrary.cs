using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ProofKey.Client;

/// <summary>What we call of the C library of Linux and macOS: what the platform does not do, or does without saying how it went.</summary>
internal static partial class CLibrary
{
    /// <summary>Another one has the lock.</summary>
    public static readonly int WouldBlock = OperatingSystem.IsMacOS() ? 35 : 11;

    /// <summary>A last part of a path that is a link.</summary>
    public static readonly int TooManyLinks = OperatingSystem.IsMacOS() ? 62 : 40;

    /// <summary>No such file.</summary>
    public const int NoEntry = 2;
    public const int AccessDenied = 13;

    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private const int ReadOnlyDisk = 30;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int Unlock = 8;
    private const int ReadWrite = 2;

    private static readonly int[] Unsupported = OperatingSystem.IsMacOS() ? [45, 102] : [95];
    private static readonly int CloseOnExecute = OperatingSystem.IsMacOS() ? 0x100_0000 : 0x8_0000;
    // fcntl.h: the one flag that has another value on ARM and POWER
    private static readonly int NoFollow = OperatingSystem.IsMacOS() ? 0x100
        : RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Armv6 or Architecture.Arm64 or Architecture.Ppc64le ? 0x8000 : 0x2_0000;

    /// <summary>Opens a file or a folder to read, without the lock that the platform's own way of opening takes.</summary>
    /// <returns>It, or the error.</returns>
    public static (SafeFileHandle File, int Error) OpenToRead(string path) => Opened(path, CloseOnExecute);

    /// <summary>Opens a file that is there and is no link, to read and write, likewise.</summary>
    /// <returns>It, or the error.</returns>
    public static (SafeFileHandle File, int Error) OpenToLock(string path) => Opened(path, ReadWrite | CloseOnExecute | NoFollow);

    /// <summary>Locks a file for whoever has it open (flock), unless another one has.</summary>
    /// <returns>0, or the error.</returns>
    public static int TryLock(SafeFileHandle file) => ErrorOf(() => FileLock(file, LockExclusive | LockNonBlocking));

    /// <summary>Gives a lock back; else it would last for as long as a child process has the file open.</summary>
    public static void Release(SafeFileHandle file) => ErrorOf(() => FileLock(file, Unlock));

    /// <summary>Brings a file or a folder to the disk.</summary>
    /// <returns>0, also where the file system has nothing of the kind, or the error.</returns>
    public static int TryFlush(SafeFileHandle file)
    {
        var error = ErrorOf(() => Flush(file));
        return error is InvalidArgument or ReadOnlyDisk || Unsupported.Contains(error) ? 0 : error;
    }

    /// <summary>An error as an exception with the system's own words.</summary>
    public static IOException Failed(string what, int error) => new($"{what}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    private static (SafeFileHandle File, int Error) Opened(string path, int flags)
    {
        var descriptor = -1;
        var error = ErrorOf(() => descriptor = Open(path, flags));
        return (new SafeFileHandle(descriptor, ownsHandle: true), error);
    }

    private static int ErrorOf(Func<int> call)
    {
        while (call() < 0)
            if (Marshal.GetLastPInvokeError() is not Interrupted and var error) return error;
        return 0;
    }

    // With two arguments: what comes after them is passed in another way on some systems.
    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FileLock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Flush(SafeFileHandle file);
}
