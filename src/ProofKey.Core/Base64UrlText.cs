using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using PlatformBase64Url = System.Buffers.Text.Base64Url;

namespace ProofKey;

/// <summary>
/// Base64url without padding, in its one strict form (RFC 7515 section 2, RFC 4648 section 5): only the 64 letters, no padding,
/// no white space, no bits set beyond the last byte. Two different texts never decode to the same bytes.
/// </summary>
public static class Base64UrlText
{
    private static readonly SearchValues<char> Letters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Encodes bytes; the result has no padding.</summary>
    /// <param name="bytes">Any number of bytes.</param>
    /// <returns>The text, empty for no bytes.</returns>
    public static string Encode(ReadOnlySpan<byte> bytes) => PlatformBase64Url.EncodeToString(bytes);

    /// <summary>Decodes text that is exactly what <see cref="Encode"/> would have written.</summary>
    /// <param name="text">The text.</param>
    /// <param name="bytes">The bytes, or <see langword="null"/> when the text is not strict base64url.</param>
    /// <returns>Whether the text was strict base64url.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (!IsStrict(text)) return false;
        var decoded = new byte[PlatformBase64Url.GetMaxDecodedLength(text.Length)];
        if (!PlatformBase64Url.TryDecodeFromChars(text, decoded, out var written) || written != decoded.Length) return false;
        bytes = decoded;
        return true;
    }

    /// <summary>Decodes into a buffer of exactly the expected size, without allocating.</summary>
    /// <param name="text">The text.</param>
    /// <param name="destination">Where the bytes go; its length is the number of bytes that is expected.</param>
    /// <returns>Whether the text was strict base64url of exactly that many bytes.</returns>
    public static bool TryDecodeExactly(ReadOnlySpan<char> text, Span<byte> destination) =>
        IsStrict(text)
        && PlatformBase64Url.GetMaxDecodedLength(text.Length) == destination.Length
        && PlatformBase64Url.TryDecodeFromChars(text, destination, out var written)
        && written == destination.Length;

    /// <summary>The number of characters that bytes take.</summary>
    internal static int EncodedLength(int bytes) => PlatformBase64Url.GetEncodedLength(bytes);

    /// <summary>Encodes into a buffer of ASCII bytes that is long enough, without allocating.</summary>
    internal static void EncodeToAscii(ReadOnlySpan<byte> bytes, Span<byte> ascii) => PlatformBase64Url.EncodeToUtf8(bytes, ascii);

    // RFC 4648 section 3.5: the bits beyond the last byte must be zero, or one value would have several spellings.
    internal static bool IsStrict(ReadOnlySpan<char> text)
    {
        if (text.ContainsAnyExcept(Letters)) return false;
        return (text.Length % 4) switch
        {
            0 => true,
            2 => (ValueOf(text[^1]) & 0b1111) == 0,
            3 => (ValueOf(text[^1]) & 0b11) == 0,
            _ => false,
        };
    }

    private static int ValueOf(char letter) => letter switch
    {
        >= 'A' and <= 'Z' => letter - 'A',
        >= 'a' and <= 'z' => letter - 'a' + 26,
        >= '0' and <= '9' => letter - '0' + 52,
        '-' => 62,
        _ => 63,
    };
}
