using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace ProofKey.Client;

/// <summary>What we call of the frameworks of macOS (Security, Core Foundation). Both are loaded by the first call. Not run by our tests.</summary>
[SupportedOSPlatform("macos")]
internal static partial class CoreFoundation
{
    private const string Security = "/System/Library/Frameworks/Security.framework/Security";
    private const string Foundation = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation";
    private const uint Utf8 = 0x08000100;

    /// <summary>A constant of the Security framework, such as <c>kSecClass</c>.</summary>
    public static nint Constant(string name) => Marshal.ReadIntPtr(NativeLibrary.GetExport(NativeLibrary.Load(Security), name));

    /// <summary>A constant of Core Foundation, such as <c>kCFBooleanTrue</c>.</summary>
    public static nint FoundationConstant(string name) => Marshal.ReadIntPtr(NativeLibrary.GetExport(NativeLibrary.Load(Foundation), name));

    public static nint NewString(string text) => CreateString(0, text, Utf8);

    public static unsafe nint NewData(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes) return CreateData(0, start, bytes.Length);
    }

    public static byte[] BytesOf(nint data)
    {
        var bytes = new byte[DataLength(data)];
        Marshal.Copy(DataStart(data), bytes, 0, bytes.Length);
        return bytes;
    }

    /// <summary>A dictionary that keeps what is put into it.</summary>
    public static unsafe nint NewDictionary(params ReadOnlySpan<(nint Key, nint Value)> pairs)
    {
        var (keys, values) = (new nint[pairs.Length], new nint[pairs.Length]);
        for (var i = 0; i < pairs.Length; i++) (keys[i], values[i]) = pairs[i];
        var foundation = NativeLibrary.Load(Foundation);
        fixed (nint* firstKey = keys, firstValue = values)
            return CreateDictionary(0, firstKey, firstValue, pairs.Length, NativeLibrary.GetExport(foundation, "kCFTypeDictionaryKeyCallBacks"), NativeLibrary.GetExport(foundation, "kCFTypeDictionaryValueCallBacks"));
    }

    [LibraryImport(Foundation, EntryPoint = "CFRelease")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void Release(nint instance);

    [LibraryImport(Security, EntryPoint = "SecItemCopyMatching")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int CopyMatching(nint query, out nint result);

    [LibraryImport(Security, EntryPoint = "SecItemAdd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Add(nint attributes, nint result);

    [LibraryImport(Foundation, EntryPoint = "CFStringCreateWithCString", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint CreateString(nint allocator, string text, uint encoding);

    [LibraryImport(Foundation, EntryPoint = "CFDataCreate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint CreateData(nint allocator, byte* bytes, nint length);

    [LibraryImport(Foundation, EntryPoint = "CFDataGetLength")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DataLength(nint data);

    [LibraryImport(Foundation, EntryPoint = "CFDataGetBytePtr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DataStart(nint data);

    [LibraryImport(Foundation, EntryPoint = "CFDictionaryCreate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint CreateDictionary(nint allocator, nint* keys, nint* values, nint count, nint keyCallbacks, nint valueCallbacks);
}
