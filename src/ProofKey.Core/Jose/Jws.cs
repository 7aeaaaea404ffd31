using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>
/// Signed texts of three parts (RFC 7515, compact serialization alone). Reading only takes the text apart; nothing in it is to be
/// believed before <see cref="UnverifiedJws.Verify"/>.
/// </summary>
public static class Jws
{
    /// <summary>The most characters that are read.</summary>
    public const int MaxLength = 16 * 1024;

    private const int MaxHeaderDepth = 8;

    // A token is never part of a page, and the default encoder would write the + of at+jwt as six characters.
    internal static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // RFC 7515 section 4.1.11: crit and its extensions must be understood, and we understand none. RFC 7797: b64. RFC 7516: zip and enc.
    private static readonly string[] RefusedMembers = ["crit", "b64", "zip", "enc"];

    /// <summary>Signs bytes; the header says <c>alg</c>, <c>typ</c> and <c>kid</c>.</summary>
    /// <param name="key">The key.</param>
    /// <param name="typ">The media type without <c>application/</c>, such as <c>at+jwt</c>. One of a few fixed texts: headers are kept per key.</param>
    /// <param name="payload">The bytes.</param>
    /// <returns>The three parts.</returns>
    public static string Sign(SigningKey key, string typ, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentException.ThrowIfNullOrEmpty(typ);
        return Sign(key, key.HeaderFor(typ), payload);
    }

    /// <summary>Signs bytes under a header that is ready, with the dot after it.</summary>
    internal static string Sign(SigningKey key, byte[] header, ReadOnlySpan<byte> payload)
    {
        var signedLength = header.Length + Base64UrlText.EncodedLength(payload.Length);
        var length = signedLength + 1 + Base64UrlText.EncodedLength(key.SignatureLength);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            header.CopyTo(buffer, 0);
            Base64UrlText.EncodeToAscii(payload, buffer.AsSpan(header.Length));
            Span<byte> signature = stackalloc byte[RsaModulus.MaxBits / 8];
            signature = signature[..key.SignatureLength];
            key.Sign(buffer.AsSpan(0, signedLength), signature);
            buffer[signedLength] = (byte)'.';
            Base64UrlText.EncodeToAscii(signature, buffer.AsSpan(signedLength + 1));
            return Encoding.ASCII.GetString(buffer, 0, length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Takes a signed text apart without believing it.</summary>
    /// <param name="text">Three parts of strict base64url with dots between them, at most <see cref="MaxLength"/> characters.</param>
    /// <param name="jws">The parts, or <see langword="null"/>.</param>
    /// <param name="problem">What is wrong with the text, as a sentence that holds nothing of it; <see langword="null"/> when nothing is.</param>
    /// <returns>Whether the text has the form of a signed text that we could check.</returns>
    public static bool TryRead(string? text, [NotNullWhen(true)] out UnverifiedJws? jws, [NotNullWhen(false)] out string? problem)
    {
        jws = null;
        problem = null;
        if (string.IsNullOrEmpty(text))
            problem = "There is no token.";
        else if (text.Length > MaxLength)
            problem = $"The token has more than {MaxLength} characters.";
        else if (!TrySplit(text, out var payload, out var signature))
            problem = "The token does not have three parts (RFC 7515 section 7.1).";
        else if (!Base64UrlText.IsStrict(text.AsSpan(payload..(signature - 1))) || !Base64UrlText.IsStrict(text.AsSpan(signature..)))
            problem = "A part of the token is not strict base64url.";
        else if (!Base64UrlText.TryDecode(text.AsSpan(..(payload - 1)), out var header) || !StrictJson.TryParseObject(header, MaxHeaderDepth, out var json))
            problem = "The token's header is not a JSON object without duplicate members.";
        else if (Array.Exists(RefusedMembers, name => json.TryGetProperty(name, out _)))
            problem = "The token's header asks for an extension that is not understood.";
        else if (!json.TryText("alg", out var algorithm) || algorithm is null || !json.TryText("kid", out var keyId) || !json.TryText("typ", out var type))
            problem = "The token's header has no algorithm (alg), or its alg, kid or typ is not a text.";
        else
            jws = new UnverifiedJws(text, payload, signature, algorithm, keyId, type, json);
        return jws is not null;
    }

    // RFC 7515 section 7.1. Five parts are an encrypted token, one is perhaps the JSON serialization: both are refused here.
    private static bool TrySplit(string text, out int payload, out int signature)
    {
        payload = text.IndexOf('.', StringComparison.Ordinal) + 1;
        signature = text.IndexOf('.', payload) + 1;
        return payload > 1 && signature > payload && text.IndexOf('.', signature) < 0;
    }
}
