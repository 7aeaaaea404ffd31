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
    /// <summary>The one of this system.</summary>
    public static Keychain OfThisSystem { get; } =
        OperatingSystem.IsMacOS() ? new MacKeychain() : OperatingSystem.IsWindows() ? new DpapiKeychain() : new SecretService();

    /// <summary>Finds the secret of a program.</summary>
    /// <returns>The secret; <see langword="null"/> only if the keychain is open and has none.</returns>
    /// <exception cref="KeychainException">It is locked, or not there.</exception>
    public abstract string? Find(string application, CancellationToken limit);

    /// <summary>Keeps the secret of a program.</summary>
    /// <exception cref="KeychainException">It is locked, or not there.</exception>
    public abstract void Store(string application, string secret, CancellationToken limit);
}
