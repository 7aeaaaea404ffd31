using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Keys;

/// <summary>
/// The key that the operator gives and that wraps every other key. It is never stored in the database: a copy of the database alone
/// opens nothing.
/// </summary>
internal sealed class RootKey(byte[] key)
{
    public const int Length = 32;

    private const int NonceLength = 12;
    private const int TagLength = 16;

    public byte[] Wrap(string id, string purpose, DateTimeOffset notBefore, ReadOnlySpan<byte> secret)
    {
        var wrapped = new byte[NonceLength + secret.Length + TagLength];
        Secret.Fill(wrapped.AsSpan(0, NonceLength));
        using var aes = new AesGcm(key, TagLength);
        aes.Encrypt(wrapped.AsSpan(0, NonceLength), secret, wrapped.AsSpan(NonceLength, secret.Length), wrapped.AsSpan(NonceLength + secret.Length), Associated(id, purpose, notBefore));
        return wrapped;
    }

    /// <exception cref="InvalidOperationException">This root key did not wrap the stored one, or the row was changed.</exception>
    public byte[] Unwrap(StoredKey stored)
    {
        var wrapped = stored.Sealed.AsSpan();
        var secret = new byte[Math.Max(0, wrapped.Length - NonceLength - TagLength)];
        try
        {
            using var aes = new AesGcm(key, TagLength);
            aes.Decrypt(wrapped[..NonceLength], wrapped.Slice(NonceLength, secret.Length), wrapped[(NonceLength + secret.Length)..], secret, Associated(stored.Id, stored.Purpose, stored.NotBefore));
            return secret;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new InvalidOperationException(
                "The root key does not open the keys in the database. Give the root key that belongs to this database (PROOFKEY_ROOT_KEY, or root.key beside it); nothing was changed.", exception);
        }
    }

    private static byte[] Associated(string id, string purpose, DateTimeOffset notBefore)
    {
        var text = Encoding.UTF8.GetBytes($"proofkey key v1\n{id}\n{purpose}\n");
        var associated = new byte[text.Length + sizeof(long)];
        text.CopyTo(associated, 0);
        BinaryPrimitives.WriteInt64BigEndian(associated.AsSpan(text.Length), notBefore.ToUnixTimeMilliseconds());
        return associated;
    }
}
