using System.Text;

namespace ProofKey.Client;

/// <summary>
/// The Keychain of macOS, as generic passwords (SecItemAdd, SecItemCopyMatching). Written to its documentation; not run by our tests.
/// An item belongs to the signature of the program that made it: a program that is not signed is asked about at each read after each build.
/// </summary>
internal sealed class MacKeychain : Keychain
{
    private const string Service = "proofkey";

    // Security/SecBase.h
    private const int Success = 0;
    private const int NotFound = -25300;
    private const int Duplicate = -25299;
    private const int UserCanceled = -128;
    private const int AuthFailed = -25293;
    private const int InteractionNotAllowed = -25308;

    public override string? Find(string application, CancellationToken limit)
    {
        if (!OperatingSystem.IsMacOS()) throw new PlatformNotSupportedException();
        var (service, account) = (CoreFoundation.NewString(Service), CoreFoundation.NewString(application));
        var query = CoreFoundation.NewDictionary(
            (CoreFoundation.Constant("kSecClass"), CoreFoundation.Constant("kSecClassGenericPassword")),
            (CoreFoundation.Constant("kSecAttrService"), service),
            (CoreFoundation.Constant("kSecAttrAccount"), account),
            (CoreFoundation.Constant("kSecReturnData"), CoreFoundation.FoundationConstant("kCFBooleanTrue")));
        try
        {
            var status = CoreFoundation.CopyMatching(query, out var data);
            if (status == NotFound) return null;
            ThrowIf(status);
            try
            {
                return Encoding.ASCII.GetString(CoreFoundation.BytesOf(data));
            }
            finally
            {
                CoreFoundation.Release(data);
            }
        }
        finally
        {
            foreach (var made in new[] { query, account, service }) CoreFoundation.Release(made);
        }
    }

    public override void Store(string application, string secret, CancellationToken limit)
    {
        if (!OperatingSystem.IsMacOS()) throw new PlatformNotSupportedException();
        var (service, account, data) = (CoreFoundation.NewString(Service), CoreFoundation.NewString(application), CoreFoundation.NewData(Encoding.ASCII.GetBytes(secret)));
        var item = CoreFoundation.NewDictionary(
            (CoreFoundation.Constant("kSecClass"), CoreFoundation.Constant("kSecClassGenericPassword")),
            (CoreFoundation.Constant("kSecAttrService"), service),
            (CoreFoundation.Constant("kSecAttrAccount"), account),
            (CoreFoundation.Constant("kSecValueData"), data));
        try
        {
            // Another program made one in the same moment: that is the one to read.
            if (CoreFoundation.Add(item, 0) is var status && status != Duplicate) ThrowIf(status);
        }
        finally
        {
            foreach (var made in new[] { item, data, account, service }) CoreFoundation.Release(made);
        }
    }

    private static void ThrowIf(int status)
    {
        if (status == Success) return;
        throw status switch
        {
            InteractionNotAllowed or AuthFailed or UserCanceled => new KeychainException(TokenStoreState.Locked, $"it is locked or was not opened ({status})", "Unlock the keychain and allow the program to read it, then try again; nobody was signed out."),
            _ => new KeychainException(TokenStoreState.Missing, $"it could not be asked ({status})", "Check the login keychain with Keychain Access."),
        };
    }
}
