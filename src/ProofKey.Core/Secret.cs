using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ProofKey;

/// <summary>The one place that draws random bytes, compares secrets and makes digests.</summary>
public static class Secret
{
    /// <summary>The length in bytes of every digest made here (SHA-256).</summary>
    public const int DigestLength = SHA256.HashSizeInBytes;

    /// <summary>Draws random bytes from the platform's cryptographic generator.</summary>
    /// <param name="count">How many, 1 or more; 16 bytes (128 bits) is the least for anything that must not be guessed (RFC 6749 section 10.10).</param>
    /// <returns>The bytes.</returns>
    public static byte[] NewBytes(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return RandomNumberGenerator.GetBytes(count);
    }

    /// <summary>Fills a buffer with random bytes.</summary>
    /// <param name="destination">The buffer.</param>
    public static void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);

    /// <summary>Draws random bytes and writes them as base64url.</summary>
    /// <param name="bytes">How many bytes before encoding, 1 to 256; 32 give 43 characters.</param>
    /// <returns>The text.</returns>
    public static string NewText(int bytes = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, 256);
        Span<byte> random = stackalloc byte[256];
        random = random[..bytes];
        RandomNumberGenerator.Fill(random);
        return Base64UrlText.Encode(random);
    }

    /// <summary>
    /// Makes an id of 16 bytes that ascends with time (RFC 9562 section 5.7, UUID version 7): rows inserted under it land side by side.
    /// </summary>
    /// <param name="now">The time that the id starts with.</param>
    /// <returns>The id in network byte order; 74 of its bits are random.</returns>
    public static byte[] NewId(DateTimeOffset now)
    {
        var id = RandomNumberGenerator.GetBytes(16);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, now.ToUnixTimeMilliseconds());
        time[2..].CopyTo(id);
        id[6] = (byte)((id[6] & 0x0f) | 0x70);
        id[8] = (byte)((id[8] & 0x3f) | 0x80);
        return id;
    }

    /// <summary>Compares in a time that depends on the lengths only.</summary>
    /// <param name="left">One value.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they are equal.</returns>
    public static bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => CryptographicOperations.FixedTimeEquals(left, right);

    /// <summary>The SHA-256 digest of bytes.</summary>
    /// <param name="value">The bytes.</param>
    /// <returns>32 bytes.</returns>
    public static byte[] Digest(ReadOnlySpan<byte> value) => SHA256.HashData(value);

    /// <summary>The SHA-256 digest of a text's UTF-8 form.</summary>
    /// <param name="value">The text.</param>
    /// <returns>32 bytes.</returns>
    public static byte[] Digest(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var digest = new byte[DigestLength];
        Digest(value, digest);
        return digest;
    }

    /// <summary>The SHA-256 digest of a text's UTF-8 form, without allocating for short texts.</summary>
    /// <param name="value">The text.</param>
    /// <param name="destination">Where the 32 bytes go.</param>
    public static void Digest(ReadOnlySpan<char> value, Span<byte> destination)
    {
        // An access token is longer than a kilobyte if each character might be three bytes; they are one each.
        var length = Encoding.UTF8.GetByteCount(value);
        Span<byte> utf8 = length <= 1024 ? stackalloc byte[1024] : new byte[length];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(value, utf8)], destination);
    }
}
