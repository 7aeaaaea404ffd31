using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace ProofKey.Client;

/// <summary>
/// Windows keeps no list of secrets that has room for ours; instead it seals them for the person who is signed in (CryptProtectData). The sealed
/// key lies in the program's own folder. Written to its documentation; not run by our tests.
/// </summary>
internal sealed partial class DpapiKeychain : Keychain
{
    // dpapi.h: no window may be shown
    private const int UiForbidden = 1;

    public override string? Find(string application, CancellationToken limit)
    {
        if (!OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        var path = PathOf(application);
        return OwnerFile.Read(path) is { } wrapped ? Encoding.ASCII.GetString(Transform(wrapped, wrap: false)) : null;
    }

    public override void Store(string application, string secret, CancellationToken limit)
    {
        if (!OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        var path = PathOf(application);
        OwnerFile.MakeFolder(path);
        OwnerFile.Replace(path, Transform(Encoding.ASCII.GetBytes(secret), wrap: true));
    }

    private static string PathOf(string application) => Path.Combine(TokenStore.DefaultFolder(application), "vault.key");

    [SupportedOSPlatform("windows")]
    private static unsafe byte[] Transform(byte[] bytes, bool wrap)
    {
        fixed (byte* start = bytes)
        {
            var given = new DataBlob { Length = (uint)bytes.Length, Start = (nint)start };
            var done = wrap ? Protect(in given, "ProofKey", 0, 0, 0, UiForbidden, out var made) : Unprotect(in given, 0, 0, 0, 0, UiForbidden, out made);
            if (done == 0)
            {
                throw new KeychainException(
                    TokenStoreState.Missing, $"Windows did not {(wrap ? "seal" : "open")} the key ({new Win32Exception(Marshal.GetLastPInvokeError()).NativeErrorCode})",
                    "The key belongs to the account that made it: use that account, or sign in again after removing the files.");
            }
            try
            {
                var result = new byte[made.Length];
                Marshal.Copy(made.Start, result, 0, result.Length);
                return result;
            }
            finally
            {
                LocalFree(made.Start);
            }
        }
    }

    [LibraryImport("crypt32.dll", EntryPoint = "CryptProtectData", StringMarshalling = StringMarshalling.Utf16, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Protect(in DataBlob given, string description, nint entropy, nint reserved, nint prompt, int flags, out DataBlob made);

    [LibraryImport("crypt32.dll", EntryPoint = "CryptUnprotectData", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Unprotect(in DataBlob given, nint description, nint entropy, nint reserved, nint prompt, int flags, out DataBlob made);

    [LibraryImport("kernel32.dll", EntryPoint = "LocalFree")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial nint LocalFree(nint memory);

    /// <summary>DATA_BLOB.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct DataBlob
    {
        public uint Length;
        public nint Start;
    }
}
