using System.Collections.Concurrent;

namespace ProofKey.Client;

/// <summary>A keychain cannot be asked, or did not answer.</summary>
internal sealed class KeychainException(TokenStoreState state, string actual, string remedy, Exception? inner = null) : Exception(actual, inner)
{
    public TokenStoreState State { get; } = state;

    public string Actual { get; } = actual;

    public string Remedy { get; } = remedy;
}

/// <summary>
/// The person's own keychain on this system. It holds one small secret for each program: what it is good at. Its calls may wait for a person, so they
/// run on threads that may wait.
/// </summary>
internal abstract class Keychain
{
    private readonly ConcurrentDictionary<string, byte[]> _known = new(StringComparer.Ordinal);

    /// <summary>The one of this system.</summary>
    public static Keychain OfThisSystem { get; } =
        OperatingSystem.IsMacOS() ? new MacKeychain() : OperatingSystem.IsWindows() ? new DpapiKeychain() : new SecretService();

    /// <summary>The key of a program that was found last: a person is asked once for each process, and a keychain that is locked later stops nobody.</summary>
    public byte[]? Known(string application) => _known.GetValueOrDefault(application);

    /// <summary>Remembers the key of a program for as long as this process lives.</summary>
    public byte[] Remember(string application, byte[] key) => _known[application] = key;

    /// <summary>Finds the secret of a program.</summary>
    /// <returns>The secret; <see langword="null"/> only if the keychain is open and has none.</returns>
    /// <exception cref="KeychainException">It is locked, or not there.</exception>
    public abstract string? Find(string application, CancellationToken limit);

    /// <summary>Keeps the secret of a program that has none. One that is there, also one that is locked away, is never replaced: files would be lost with it.</summary>
    /// <exception cref="KeychainException">It is locked, or not there.</exception>
    public abstract void Store(string application, string secret, CancellationToken limit);
}
