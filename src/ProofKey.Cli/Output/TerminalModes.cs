using System.Runtime.InteropServices;

namespace ProofKey.Cli.Output;

/// <summary>
/// How the terminal was before a key was read from it: with echo and line editing. The runtime changes that for the first key, and puts it back when this process ends, which a program
/// that takes its place does not wait for.
/// </summary>
internal static partial class TerminalModes
{
    private const int StandardInput = 0;
    private const int AtOnce = 0;

    // The structure of any system that the program runs on fits in, and nothing of it is looked at.
    private static readonly byte[] Former = new byte[256];

    private static bool _isKnown;

    /// <summary>Takes note of the modes; the first call counts.</summary>
    public static void Remember()
    {
        if (!OperatingSystem.IsWindows() && !_isKnown) _isKnown = Get(StandardInput, Former) == 0;
    }

    /// <summary>Puts them back.</summary>
    public static void PutBack()
    {
        if (_isKnown) _ = Set(StandardInput, AtOnce, Former);
    }

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Get(int descriptor, Span<byte> modes);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Set(int descriptor, int when, ReadOnlySpan<byte> modes);
}
