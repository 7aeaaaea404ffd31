using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ProofKey.Jose;
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

    /// <summary>Wraps a key; everything else that its row says is authenticated with it.</summary>
    public byte[] Wrap(StoredKey row, ReadOnlySpan<byte> secret)
    {
        var wrapped = new byte[NonceLength + secret.Length + TagLength];
        Secret.Fill(wrapped.AsSpan(0, NonceLength));
        using var aes = new AesGcm(key, TagLength);
        aes.Encrypt(wrapped.AsSpan(0, NonceLength), secret, wrapped.AsSpan(NonceLength, secret.Length), wrapped.AsSpan(NonceLength + secret.Length), Associated(row));
        return wrapped;
    }

    /// <exception cref="RootKeyException">This root key did not wrap the stored one, or the row was changed.</exception>
    public byte[] Unwrap(StoredKey stored)
    {
        var wrapped = stored.Sealed.AsSpan();
        var secret = new byte[Math.Max(0, wrapped.Length - NonceLength - TagLength)];
        try
        {
            using var aes = new AesGcm(key, TagLength);
            aes.Decrypt(wrapped[..NonceLength], wrapped.Slice(NonceLength, secret.Length), wrapped[(NonceLength + secret.Length)..], secret, Associated(stored));
            return secret;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new RootKeyException(
                "The root key does not open the keys in the database. Give the root key that belongs to this database; nothing was changed.", exception);
        }
    }

    /// <summary>Makes a key of a line, wrapped.</summary>
    public StoredKey Make(KeyLine line, DateTimeOffset notBefore, DateTimeOffset now)
    {
        using var signing = SignatureAlgorithm.TryParse(line.Algorithm, out var algorithm) ? SigningKey.New(algorithm) : null;
        var secret = signing?.ToPkcs8() ?? Secret.NewBytes(Length);
        var id = signing?.KeyId ?? Convert.ToHexStringLower(Secret.NewBytes(SealingKey.IdLength));
        var row = new StoredKey(id, line.Purpose, line.Algorithm, [], WholeMilliseconds(notBefore), null, WholeMilliseconds(now));
        return row with { Sealed = Wrap(row, secret) };
    }

    /// <summary>The same key with another life.</summary>
    public StoredKey Rewrap(StoredKey stored, StoredKey changed) => changed with { Sealed = Wrap(changed, Unwrap(stored)) };

    /// <summary>A time as a row holds it: the wrapping covers what the row says.</summary>
    public static DateTimeOffset WholeMilliseconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    /// <summary>
    /// A keyed digest, for what is too short for a plain one: whoever reads the database cannot find the value by trying. It is the same on
    /// every replica, since all have the same root key.
    /// </summary>
    public byte[] DigestOf(string use, string value) => HMACSHA256.HashData(
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, Length, info: Encoding.UTF8.GetBytes($"proofkey digest v1 {use}")), Encoding.UTF8.GetBytes(value));

    private static byte[] Associated(StoredKey row)
    {
        var text = Encoding.UTF8.GetBytes($"proofkey key v1\n{row.Id}\n{row.Purpose}\n{row.Algorithm}\n");
        var associated = new byte[text.Length + (2 * sizeof(long))];
        text.CopyTo(associated, 0);
        BinaryPrimitives.WriteInt64BigEndian(associated.AsSpan(text.Length), row.NotBefore.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(associated.AsSpan(text.Length + sizeof(long)), row.RetireAfter?.ToUnixTimeMilliseconds() ?? 0);
        return associated;
    }
}
