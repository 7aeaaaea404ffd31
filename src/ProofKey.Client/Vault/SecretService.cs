using System.Runtime.InteropServices;

namespace ProofKey.Client;

/// <summary>
/// The keyring of a Linux desktop (the Secret Service of freedesktop.org), through libsecret. A locked keyring answers a look-up as if it had
/// nothing, so it is asked whether it is locked first, and afterwards whether there is something that it would not give. libsecret remembers what it was
/// told, also that a keyring is open that was locked since: so each question begins with a connection of its own.
/// </summary>
internal sealed class SecretService : Keychain
{
    private const string SchemaName = "dev.proofkey.Vault";
    private const string Attribute = "application";
    private const string DefaultAlias = "default";
    private const string Install = "Install libsecret and a keyring (Debian: apt-get install libsecret-1-0 gnome-keyring) and unlock it, as a desktop session does.";

    // struct SecretSchema: a name, flags, 32 attributes of a name and a type, and room that is reserved
    private const int SchemaSize = 1024;

    private static readonly Lazy<nint> Schema = new(NewSchema);
    // The connection is the process's: two questions at once would end each other's.
    private static readonly Lock OneByOne = new();

    public override string? Find(string application, CancellationToken limit) => Ask((service, cancellable) =>
    {
        ThrowIfLocked(service, cancellable, limit);
        return WithAttributes(application, attributes =>
        {
            var found = LibSecret.Lookup(Schema.Value, attributes, cancellable, out var error);
            ThrowIf(error, limit);
            if (found == 0)
            {
                ThrowIfThere(service, attributes, cancellable, limit);
                return null;
            }
            try
            {
                return Marshal.PtrToStringUTF8(found);
            }
            finally
            {
                LibSecret.FreePassword(found);
            }
        });
    }, limit);

    public override void Store(string application, string secret, CancellationToken limit) => Ask((service, cancellable) => WithAttributes(application, attributes =>
    {
        ThrowIfThere(service, attributes, cancellable, limit);
        LibSecret.Store(Schema.Value, attributes, DefaultAlias, $"Key of the sessions of {application}", secret, cancellable, out var error);
        ThrowIf(error, limit);
        return "";
    }), limit);

    private static string? Ask(Func<nint, nint, string?> ask, CancellationToken limit)
    {
        try
        {
            var cancellable = LibSecret.NewCancellable();
            try
            {
                using (limit.Register(() => LibSecret.Cancel(cancellable))) return AskAnew(cancellable, ask, limit);
            }
            finally
            {
                LibSecret.Release(cancellable);
            }
        }
        catch (Exception absent) when (absent is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new KeychainException(TokenStoreState.Missing, "libsecret is not installed", Install, absent);
        }
    }

    private static string? AskAnew(nint cancellable, Func<nint, nint, string?> ask, CancellationToken limit)
    {
        lock (OneByOne)
        {
            LibSecret.Disconnect();
            var service = LibSecret.GetService(0, cancellable, out var error);
            ThrowIf(error, limit);
            try
            {
                return ask(service, cancellable);
            }
            finally
            {
                LibSecret.Release(service);
            }
        }
    }

    // Where it is locked, the keyring is asked to open, which shows a window where there is a desktop.
    private static void ThrowIfLocked(nint service, nint cancellable, CancellationToken limit)
    {
        var collection = LibSecret.CollectionForAlias(service, DefaultAlias, 0, cancellable, out var error);
        try
        {
            ThrowIf(error, limit);
            // A new keyring has no collection yet; the first secret makes it.
            if (collection == 0 || LibSecret.IsLocked(collection) == 0) return;
            var list = LibSecret.Append(0, collection);
            var opened = LibSecret.Unlock(service, list, cancellable, out var unlocked, out error);
            LibSecret.FreeList(list);
            LibSecret.FreeList(unlocked);
            if (error != 0) LibSecret.FreeError(error);
            limit.ThrowIfCancellationRequested();
            if (opened == 0) throw new KeychainException(TokenStoreState.Locked, "it is locked", "Unlock the keyring, then try again; nobody was signed out.");
        }
        finally
        {
            if (collection != 0) LibSecret.Release(collection);
        }
    }

    // A search finds what is locked away too, whichever collection it is in. To store another one would put it in its place.
    private static void ThrowIfThere(nint service, nint attributes, nint cancellable, CancellationToken limit)
    {
        var found = LibSecret.Search(service, Schema.Value, attributes, 0, cancellable, out var error);
        ThrowIf(error, limit);
        if (found == 0) return;
        LibSecret.FreeList(found, LibSecret.AddressOfRelease());
        throw new KeychainException(TokenStoreState.Locked, "it has the key, and does not give it", "Unlock the keyring, then try again; nobody was signed out.");
    }

    private static void ThrowIf(nint error, CancellationToken limit)
    {
        if (error == 0) return;
        var read = Marshal.PtrToStructure<GError>(error);
        var domain = Marshal.PtrToStringUTF8(LibSecret.NameOf(read.Domain)) ?? "";
        var message = ServerText.Shown(Marshal.PtrToStringUTF8(read.Message));
        var code = read.Code;
        LibSecret.FreeError(error);
        limit.ThrowIfCancellationRequested();
        throw (domain, code) switch
        {
            ("secret-error", 2) => new KeychainException(TokenStoreState.Locked, "it is locked", "Unlock the keyring, then try again; nobody was signed out."),
            // Stopped, hung up, or waiting for a person: GIO gives up before we do.
            ("g-io-error-quark", 24) or ("g-dbus-error-quark", 4 or 12 or 15 or 20) => new KeychainException(TokenStoreState.Locked, "it did not answer", "See whether a window that asks to unlock it is waiting, then try again; nobody was signed out."),
            _ => new KeychainException(TokenStoreState.Missing, $"none could be asked: {message}", Install),
        };
    }

    private static string? WithAttributes(string application, Func<nint, string?> use)
    {
        var (name, value) = (Marshal.StringToCoTaskMemUTF8(Attribute), Marshal.StringToCoTaskMemUTF8(application));
        var table = LibSecret.NewTable(LibSecret.AddressOf("g_str_hash"), LibSecret.AddressOf("g_str_equal"));
        try
        {
            _ = LibSecret.Insert(table, name, value);
            return use(table);
        }
        finally
        {
            LibSecret.FreeTable(table);
            Marshal.FreeCoTaskMem(name);
            Marshal.FreeCoTaskMem(value);
        }
    }

    // It lives as long as the process: libsecret keeps pointers to it.
    private static nint NewSchema()
    {
        var schema = Marshal.AllocHGlobal(SchemaSize);
        Marshal.Copy(new byte[SchemaSize], 0, schema, SchemaSize);
        Marshal.WriteIntPtr(schema, Marshal.StringToCoTaskMemUTF8(SchemaName));
        Marshal.WriteIntPtr(schema, 2 * nint.Size, Marshal.StringToCoTaskMemUTF8(Attribute));
        return schema;
    }
}
