using System.Reflection;
using System.Runtime.InteropServices;

namespace ProofKey.Cli.Hosting;

/// <summary>No usable SQLite was found. The message says what to install.</summary>
internal sealed class SqliteMissingException(string message) : Exception(message);

/// <summary>
/// Finds SQLite: the system's library first, since the system mends its holes, then the bundled one. Both are the same program to us
/// from version 3.35 on, which has <c>returning</c>.
/// </summary>
internal static class SqliteLibrary
{
    /// <summary>3.35.0, as the library writes it.</summary>
    private const int OldestVersion = 3_035_000;

    /// <summary><c>SQLITE_CONFIG_MEMSTATUS</c>, which the driver has no name for.</summary>
    private const int ConfigureMemoryStatistics = 9;

    private static readonly Lock Gate = new();
    private static LoadedLibrary? _loaded;

    /// <summary>The system's names for the library, by platform.</summary>
    public static IReadOnlyList<string> SystemNames { get; } =
        OperatingSystem.IsWindows() ? ["winsqlite3.dll"] : OperatingSystem.IsMacOS() ? ["libsqlite3.dylib", "/usr/lib/libsqlite3.dylib"] : ["libsqlite3.so.0", "libsqlite3.so"];

    /// <summary>Which library is in use, for people.</summary>
    public static string Description => _loaded?.Description ?? "SQLite, not loaded";

    /// <summary>Loads the library once for the process.</summary>
    /// <exception cref="SqliteMissingException">There is none.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (_loaded is not null) return;
            _loaded = Find(SystemNames, BundledPath());
            var handle = _loaded.Handle;
            NativeLibrary.SetDllImportResolver(typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, (name, _, _) => name == "e_sqlite3" ? handle : IntPtr.Zero);
            SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
            // Statistics of memory that nobody reads take one lock of the whole process at each allocation. A library that somebody started before keeps them.
            _ = SQLitePCL.raw.sqlite3_config(ConfigureMemoryStatistics, 0);
        }
    }

    /// <summary>Looks through candidates.</summary>
    /// <param name="systemNames">Names that the system's loader is asked for.</param>
    /// <param name="bundled">The path of the bundled library.</param>
    /// <returns>The first library that is new enough.</returns>
    /// <exception cref="SqliteMissingException">None is.</exception>
    internal static LoadedLibrary Find(IEnumerable<string> systemNames, string bundled)
    {
        foreach (var name in systemNames)
            if (TryLoad(name, "system") is { } system) return system;
        return TryLoad(bundled, "bundled") ?? throw new SqliteMissingException(
            OperatingSystem.IsLinux() ? "SQLite 3.35 or newer was not found; install it, for example with: apt-get install libsqlite3-0"
            : "SQLite 3.35 or newer was not found; install it, or unpack the program again with all its files.");
    }

    private static LoadedLibrary? TryLoad(string name, string origin)
    {
        if (!NativeLibrary.TryLoad(name, Assembly.GetExecutingAssembly(), null, out var handle)) return null;
        if (NativeLibrary.TryGetExport(handle, "sqlite3_libversion_number", out var export) && VersionOf(export) is >= OldestVersion and var version)
            return new LoadedLibrary(handle, $"SQLite {version / 1_000_000}.{version / 1000 % 1000}.{version % 1000} ({origin})");
        NativeLibrary.Free(handle);
        return null;
    }

    private static int VersionOf(IntPtr export) => Marshal.GetDelegateForFunctionPointer<VersionNumber>(export)();

    private static string BundledPath()
    {
        var file = OperatingSystem.IsWindows() ? "e_sqlite3.dll" : OperatingSystem.IsMacOS() ? "libe_sqlite3.dylib" : "libe_sqlite3.so";
        var beside = Path.Combine(AppContext.BaseDirectory, file);
        if (File.Exists(beside)) return beside;
        var platform = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        return Path.Combine(AppContext.BaseDirectory, "runtimes", $"{platform}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}", "native", file);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int VersionNumber();

    /// <summary>A library that was found.</summary>
    internal sealed record LoadedLibrary(IntPtr Handle, string Description);
}
