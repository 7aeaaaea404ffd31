using System.Security.Cryptography;
using System.Text;

namespace ProofKey.Client;

/// <summary>What opens an encrypted file of sessions: 32 bytes that are in a keychain, in a file, or made from a passphrase.</summary>
public abstract class VaultKey
{
    /// <summary>The length of a key in bytes.</summary>
    internal const int Length = 32;

    private protected VaultKey()
    {
    }

    /// <summary>A key that is made from a passphrase, by PBKDF2 with SHA-256 and 600,000 rounds; the salt is in the file.</summary>
    /// <param name="passphrase">At least 12 characters. Who has a copy of the file can try others as fast as their machines allow.</param>
    /// <returns>The key.</returns>
    /// <exception cref="ArgumentException">It is shorter.</exception>
    public static VaultKey OfPassphrase(string passphrase)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        if (passphrase.Length < PassphraseKey.MinLength) throw new ArgumentException($"A passphrase has at least {PassphraseKey.MinLength} characters.", nameof(passphrase));
        return new PassphraseKey(Encoding.UTF8.GetBytes(passphrase));
    }

    /// <summary>A key that lies in a file of 32 random bytes, which only its owner may read. It protects as far as the file is kept apart from the vault.</summary>
    /// <param name="path">The file; it is never made here.</param>
    /// <returns>The key.</returns>
    public static VaultKey OfFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new FileKey(System.IO.Path.GetFullPath(path));
    }

    /// <summary>The word in the header of a vault.</summary>
    internal abstract string Backend { get; }

    /// <summary>Finds the key of a vault that is there.</summary>
    /// <exception cref="TokenStoreException">It is not to be had, or is another one.</exception>
    internal abstract Task<byte[]> OpenAsync(VaultHeader header, string vault, CancellationToken cancel);

    /// <summary>Finds or makes the key of a vault that is to be written.</summary>
    /// <exception cref="TokenStoreException">It is not to be had.</exception>
    internal abstract Task<(VaultHeader Header, byte[] Key)> NewAsync(string vault, CancellationToken cancel);

    /// <summary>Names a key without telling it.</summary>
    internal static string IdOf(ReadOnlySpan<byte> key) => Base64UrlText.Encode(HMACSHA256.HashData(key, "proofkey vault key id"u8).AsSpan(0, 8));
}
