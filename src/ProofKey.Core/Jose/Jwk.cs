using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>
/// A public key that checks signatures (RFC 7517), on P-256 or RSA of 2048 to 8192 bits. It exists only when it was checked: a private
/// or symmetric key, a weak key and a point beside the curve are refused when it is read. Safe for use by several threads at once.
/// </summary>
public sealed class Jwk
{
    private readonly (string Name, string Value)[] _material;
    private readonly KeyPool<ECDsa>? _ec;
    private readonly KeyPool<RSA>? _rsa;
    private readonly int _signatureLength;
    private string? _thumbprint;

    internal Jwk(ECParameters key)
    {
        KeyType = "EC";
        _material = [("crv", "P-256"), ("x", Base64UrlText.Encode(key.Q.X)), ("y", Base64UrlText.Encode(key.Q.Y))];
        _ec = new KeyPool<ECDsa>(() => ECDsa.Create(key));
        _signatureLength = P256.SignatureLength;
        _ec.Return(_ec.Borrow());
    }

    internal Jwk(RSAParameters key)
    {
        KeyType = "RSA";
        _material = [("e", Base64UrlText.Encode(key.Exponent)), ("n", Base64UrlText.Encode(key.Modulus))];
        _rsa = new KeyPool<RSA>(() => RSA.Create(key));
        _signatureLength = key.Modulus!.Length;
        _rsa.Return(_rsa.Borrow());
    }

    /// <summary>The type of key (<c>kty</c>): <c>EC</c> or <c>RSA</c>.</summary>
    public string KeyType { get; }

    /// <summary>The name by which a token's header points to the key (<c>kid</c>), if it has one.</summary>
    public string? KeyId { get; private set; }

    /// <summary>What the key is for (<c>use</c>): <c>sig</c>, another word, or nothing said.</summary>
    public string? Use { get; private set; }

    /// <summary>The one algorithm that the key is for (<c>alg</c>), if it says so.</summary>
    public SignatureAlgorithm? Algorithm { get; private set; }

    /// <summary>What may be done with the key (<c>key_ops</c>), if it says so.</summary>
    public IReadOnlyList<string>? KeyOperations { get; private set; }

    /// <summary>Whose tokens alone the key signs (<c>issuer</c>), where one set has the keys of several issuers; empty where what stands there is no text.</summary>
    internal string? Issuer { get; private set; }

    /// <summary>Reads a public key.</summary>
    /// <param name="json">The JSON object.</param>
    /// <param name="key">The key, or <see langword="null"/>.</param>
    /// <param name="problem">Why the key is not used, as a sentence; <see langword="null"/> when nothing is wrong.</param>
    /// <returns>Whether it is a public key that we use.</returns>
    public static bool TryParse(JsonElement json, [NotNullWhen(true)] out Jwk? key, [NotNullWhen(false)] out string? problem) =>
        JwkReader.TryRead(json, out key, out problem);

    /// <summary>The thumbprint (RFC 7638 section 3) by SHA-256.</summary>
    /// <returns>43 characters of base64url.</returns>
    public string Thumbprint() => _thumbprint ??= MakeThumbprint();

    /// <summary>
    /// Whether signatures of an algorithm may be checked with this key: its type fits, and neither <c>alg</c>, <c>use</c> nor
    /// <c>key_ops</c> says otherwise (RFC 7517 section 4.2 to section 4.4, RFC 8725 section 3.1).
    /// </summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <returns>Whether it fits.</returns>
    public bool CanVerifyWith(SignatureAlgorithm algorithm)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        return algorithm.KeyType == KeyType
            && (Algorithm is null || Algorithm == algorithm)
            && Use is null or "sig"
            && (KeyOperations is null || KeyOperations.Contains("verify"));
    }

    /// <summary>Checks a signature.</summary>
    /// <param name="algorithm">The algorithm; one that <see cref="CanVerifyWith"/> refuses never verifies.</param>
    /// <param name="data">The bytes that were signed.</param>
    /// <param name="signature">The signature; for ES256 exactly 64 bytes, R then S.</param>
    /// <returns>Whether the signature is good.</returns>
    public bool Verify(SignatureAlgorithm algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        // RFC 7518 section 3.3 and section 3.4: a signature has exactly the length that its key gives.
        if (!CanVerifyWith(algorithm) || signature.Length != _signatureLength) return false;
        return _ec is not null ? VerifyEc(_ec, data, signature) : VerifyRsa(_rsa!, algorithm.Padding!, data, signature);
    }

    /// <summary>Writes the key as a JSON object of public members.</summary>
    /// <param name="writer">Where it goes.</param>
    public void WriteTo(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteString("kty", KeyType);
        if (Use is not null) writer.WriteString("use", Use);
        if (KeyOperations is not null) WriteKeyOperations(writer, KeyOperations);
        if (Algorithm is not null) writer.WriteString("alg", Algorithm.Name);
        if (KeyId is not null) writer.WriteString("kid", KeyId);
        foreach (var (name, value) in _material) writer.WriteString(name, value);
        writer.WriteEndObject();
    }

    /// <inheritdoc />
    public override string ToString() => $"{KeyType} {Thumbprint()}";

    /// <summary>The length of an RSA key, rounded up to whole bytes; 0 for other keys.</summary>
    internal int RsaBits => _rsa is null ? 0 : 8 * _signatureLength;

    /// <summary>The public half of a signing key: named by its thumbprint, for signatures of one algorithm.</summary>
    internal Jwk ForSigning(SignatureAlgorithm algorithm)
    {
        KeyId = Thumbprint();
        Use = "sig";
        Algorithm = algorithm;
        return this;
    }

    /// <summary>Gives its handles back; nothing is verified with it any more.</summary>
    internal void Close()
    {
        _ec?.Close();
        _rsa?.Close();
    }

    /// <summary>Writes the members that make the key what it is, and no others.</summary>
    internal void WriteMaterialTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("kty", KeyType);
        foreach (var (name, value) in _material) writer.WriteString(name, value);
        writer.WriteEndObject();
    }

    internal Jwk Described(string? keyId, string? use, SignatureAlgorithm? algorithm, IReadOnlyList<string>? operations, string? issuer)
    {
        KeyId = keyId;
        Use = use;
        Algorithm = algorithm;
        KeyOperations = operations;
        Issuer = issuer;
        return this;
    }

    private static bool VerifyEc(KeyPool<ECDsa> pool, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        var key = pool.Borrow();
        try
        {
            return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        finally
        {
            pool.Return(key);
        }
    }

    private static bool VerifyRsa(KeyPool<RSA> pool, RSASignaturePadding padding, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        var key = pool.Borrow();
        try
        {
            return key.VerifyData(data, signature, HashAlgorithmName.SHA256, padding);
        }
        finally
        {
            pool.Return(key);
        }
    }

    private static void WriteKeyOperations(Utf8JsonWriter writer, IReadOnlyList<string> operations)
    {
        writer.WriteStartArray("key_ops");
        foreach (var operation in operations) writer.WriteStringValue(operation);
        writer.WriteEndArray();
    }

    // RFC 7638 section 3.2: the required members alone, in the order of their names, without white space
    private string MakeThumbprint()
    {
        IEnumerable<(string Name, string Value)> members = [.. _material, ("kty", KeyType)];
        var text = string.Join(',', members.OrderBy(member => member.Name, StringComparer.Ordinal).Select(member => $"\"{member.Name}\":\"{member.Value}\""));
        return Base64UrlText.Encode(Secret.Digest(Encoding.ASCII.GetBytes($"{{{text}}}")));
    }
}
