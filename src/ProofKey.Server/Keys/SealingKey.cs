using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ProofKey.Jose;

namespace ProofKey.Server.Keys;

/// <summary>What a sealed value is for. A value sealed for one purpose opens for no other (RFC 8725 section 3.11).</summary>
internal enum SealPurpose
{
    Code = 1,
    RefreshToken = 2,
    StepTicket = 3,
    FormToken = 4,
    KnownBrowser = 5,
    PushedRequest = 6,
    DpopNonce = 7,
    DeviceCode = 10,
    DeviceTicket = 11,
}

/// <summary>
/// A key that seals values which the server hands out and takes back: AES-256-GCM under a key derived for each purpose. The nonce is a
/// keyed digest of the value, so the same value seals to the same text, and no counter is shared between replicas.
/// </summary>
internal sealed class SealingKey(byte[] id, byte[] secret, DateTimeOffset notBefore, string issuer)
{
    public const int IdLength = 4;
    public const int Overhead = 1 + IdLength + NonceLength + TagLength;

    private const byte Version = 1;
    private const int NonceLength = 12;
    private const int TagLength = 16;

    private readonly ConcurrentDictionary<SealPurpose, PurposeKeys> _keys = new();

    public byte[] Id { get; } = id;

    public DateTimeOffset NotBefore { get; } = notBefore;

    /// <summary>The key id that a sealed value names, or nothing when it has another version or is too short.</summary>
    public static ReadOnlySpan<byte> KeyIdOf(ReadOnlySpan<byte> value) =>
        value.Length >= Overhead && value[0] == Version ? value.Slice(1, IdLength) : [];

    public byte[] Seal(SealPurpose purpose, ReadOnlySpan<byte> value)
    {
        var keys = KeysOf(purpose);
        var result = new byte[Overhead + value.Length];
        result[0] = Version;
        Id.CopyTo(result, 1);
        var nonce = result.AsSpan(1 + IdLength, NonceLength);
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(keys.Nonce, value, digest);
        digest[..NonceLength].CopyTo(nonce);
        var cipher = result.AsSpan(1 + IdLength + NonceLength, value.Length);
        var aes = keys.Encryption.Borrow();
        aes.Encrypt(nonce, value, cipher, result.AsSpan(result.Length - TagLength), keys.Associated);
        keys.Encryption.Return(aes);
        return result;
    }

    public byte[]? Open(SealPurpose purpose, ReadOnlySpan<byte> sealedValue)
    {
        var keys = KeysOf(purpose);
        var value = new byte[sealedValue.Length - Overhead];
        var aes = keys.Encryption.Borrow();
        try
        {
            aes.Decrypt(sealedValue.Slice(1 + IdLength, NonceLength), sealedValue.Slice(1 + IdLength + NonceLength, value.Length), sealedValue[^TagLength..], value, keys.Associated);
            return value;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        finally
        {
            keys.Encryption.Return(aes);
        }
    }

    private PurposeKeys KeysOf(SealPurpose purpose) => _keys.GetOrAdd(purpose, Derive);

    // The names that go in here are pinned by a test: to change one is to lose every value that is out there.
    private PurposeKeys Derive(SealPurpose purpose)
    {
        byte[] Derived(string use) => HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: Encoding.UTF8.GetBytes($"proofkey seal v1 {use} {purpose}"));
        byte[] associated = [Version, .. Id, (byte)purpose, .. Encoding.UTF8.GetBytes(issuer)];
        var encryption = Derived("encryption");
        return new PurposeKeys(new KeyPool<AesGcm>(() => new AesGcm(encryption, TagLength)), Derived("nonce"), associated);
    }

    // A cipher is made ready for its key once, which costs more than to use it.
    private sealed record PurposeKeys(KeyPool<AesGcm> Encryption, byte[] Nonce, byte[] Associated);
}
