using System.Runtime.InteropServices;

namespace ProofKey.Client;

/// <summary>What we call of libsecret and of GLib below it. Both are loaded by the first call.</summary>
internal static partial class LibSecret
{
    private const string Library = "libsecret-1.so.0";
    private const string GLib = "libglib-2.0.so.0";
    private const string GObject = "libgobject-2.0.so.0";
    private const string Gio = "libgio-2.0.so.0";

    /// <summary>The functions that hash and compare texts, for tables of attributes.</summary>
    public static nint AddressOf(string function) => NativeLibrary.GetExport(NativeLibrary.Load(GLib), function);

    /// <summary>The function that releases an object, for lists of them.</summary>
    public static nint AddressOfRelease() => NativeLibrary.GetExport(NativeLibrary.Load(GObject), "g_object_unref");

    [LibraryImport(Library, EntryPoint = "secret_service_disconnect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void Disconnect();

    [LibraryImport(Library, EntryPoint = "secret_service_get_sync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint GetService(int flags, nint cancellable, out nint error);

    [LibraryImport(Library, EntryPoint = "secret_collection_for_alias_sync", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint CollectionForAlias(nint service, string alias, int flags, nint cancellable, out nint error);

    [LibraryImport(Library, EntryPoint = "secret_collection_get_locked")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int IsLocked(nint collection);

    [LibraryImport(Library, EntryPoint = "secret_service_unlock_sync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Unlock(nint service, nint objects, nint cancellable, out nint unlocked, out nint error);

    [LibraryImport(Library, EntryPoint = "secret_service_search_sync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Search(nint service, nint schema, nint attributes, int flags, nint cancellable, out nint error);

    [LibraryImport(Library, EntryPoint = "secret_password_lookupv_sync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Lookup(nint schema, nint attributes, nint cancellable, out nint error);

    [LibraryImport(Library, EntryPoint = "secret_password_storev_sync", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Store(nint schema, nint attributes, string collection, string label, string password, nint cancellable, out nint error);

    [LibraryImport(Library, EntryPoint = "secret_password_free")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void FreePassword(nint password);

    [LibraryImport(GLib, EntryPoint = "g_hash_table_new")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint NewTable(nint hash, nint equal);

    [LibraryImport(GLib, EntryPoint = "g_hash_table_insert")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Insert(nint table, nint name, nint value);

    [LibraryImport(GLib, EntryPoint = "g_hash_table_unref")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void FreeTable(nint table);

    [LibraryImport(GLib, EntryPoint = "g_list_append")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Append(nint list, nint value);

    [LibraryImport(GLib, EntryPoint = "g_list_free")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void FreeList(nint list);

    [LibraryImport(GLib, EntryPoint = "g_list_free_full")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void FreeList(nint list, nint release);

    [LibraryImport(GLib, EntryPoint = "g_quark_to_string")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint NameOf(uint quark);

    [LibraryImport(GLib, EntryPoint = "g_error_free")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void FreeError(nint error);

    [LibraryImport(GObject, EntryPoint = "g_object_unref")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void Release(nint instance);

    [LibraryImport(Gio, EntryPoint = "g_cancellable_new")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint NewCancellable();

    [LibraryImport(Gio, EntryPoint = "g_cancellable_cancel")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void Cancel(nint cancellable);
}

/// <summary>GError.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct GError
{
    public readonly uint Domain;
    public readonly int Code;
    public readonly nint Message;
}
