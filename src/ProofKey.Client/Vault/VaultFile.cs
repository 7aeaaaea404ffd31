using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ProofKey.Client;

/// <summary>What a vault says in the clear: where its key is, which one it is, and how it is made where it is made.</summary>
/// <param name="Backend">What holds the key; it never changes but by <see cref="TokenStore.MoveAsync"/>.</param>
/// <param name="KeyId">Names the key, so that another key is told from a damaged file.</param>
/// <param name="Salt">For a passphrase.</param>
/// <param name="Rounds">For a passphrase.</param>
internal sealed record VaultHeader(string Backend, string KeyId, string? Salt = null, int? Rounds = null);

/// <summary>
/// The bytes of a vault: <c>ProofKey</c>, a byte for the version, the length of the header in two bytes, the header as JSON, a nonce that is random each
/// time, the content in AES-256-GCM, the tag. Everything before the nonce is associated data: to change it is to damage the file.
/// </summary>
internal static class VaultFile
{
    public const byte Version = 1;

    /// <summary>What is the matter with a file that an update of the program can open.</summary>
    public const string IsNewer = "it was written by a newer version of this library";

    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int MaxHeaderLength = 1024;
    private const int Start = 8 + 1 + 2;

    private static ReadOnlySpan<byte> Magic => "ProofKey"u8;

    public static byte[] Seal(VaultHeader header, byte[] key, ReadOnlySpan<byte> content)
    {
        var said = JsonSerializer.SerializeToUtf8Bytes(header, VaultHeaderJson.Default.VaultHeader);
        var clear = Start + said.Length;
        var file = new byte[clear + NonceLength + content.Length + TagLength];
        Magic.CopyTo(file);
        file[Magic.Length] = Version;
        BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(Magic.Length + 1), checked((ushort)said.Length));
        said.CopyTo(file, Start);
        var nonce = file.AsSpan(clear, NonceLength);
        Secret.Fill(nonce);
        using var aes = new AesGcm(key, TagLength);
        aes.Encrypt(nonce, content, file.AsSpan(clear + NonceLength, content.Length), file.AsSpan(file.Length - TagLength), file.AsSpan(0, clear));
        return file;
    }

    /// <summary>Reads what is in the clear, which nobody has vouched for yet.</summary>
    /// <returns>The header and where it ends; else what is wrong, as a part of a sentence.</returns>
    public static (VaultHeader? Header, int End, string Problem) ReadHeader(ReadOnlySpan<byte> file)
    {
        if (file.Length < Start || !file.StartsWith(Magic)) return (null, 0, "it is no vault");
        if (file[Magic.Length] > Version) return (null, 0, IsNewer);
        if (file[Magic.Length] < Version) return (null, 0, "it has a version that there never was");
        var length = BinaryPrimitives.ReadUInt16BigEndian(file[(Magic.Length + 1)..]);
        if (length > MaxHeaderLength || file.Length < Start + length + NonceLength + TagLength) return (null, 0, "a part of it is missing");
        try
        {
            return JsonSerializer.Deserialize(file.Slice(Start, length), VaultHeaderJson.Default.VaultHeader) is { } header ? (header, Start + length, "") : (null, 0, "its header makes no sense");
        }
        catch (JsonException)
        {
            return (null, 0, "its header makes no sense");
        }
    }

    /// <summary>The content, or <see langword="null"/> when a bit of the file is not as it was written.</summary>
    public static byte[]? Open(byte[] key, ReadOnlySpan<byte> file, int headerEnd)
    {
        var content = new byte[file.Length - headerEnd - NonceLength - TagLength];
        try
        {
            using var aes = new AesGcm(key, TagLength);
            aes.Decrypt(file.Slice(headerEnd, NonceLength), file.Slice(headerEnd + NonceLength, content.Length), file[^TagLength..], content, file[..headerEnd]);
            return content;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}

/// <summary>The JSON of the header.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 4)]
[JsonSerializable(typeof(VaultHeader))]
internal sealed partial class VaultHeaderJson : JsonSerializerContext;
