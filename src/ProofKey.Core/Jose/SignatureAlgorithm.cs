using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace ProofKey.Jose;

/// <summary>
/// A signature algorithm (RFC 7518 section 3.1). There are three; each signs a SHA-256 digest with an asymmetric key. <c>none</c> and the
/// HMAC algorithms do not exist here, so nothing can be talked into them (RFC 8725 section 3.1).
/// </summary>
public sealed class SignatureAlgorithm
{
    private SignatureAlgorithm(string name, string keyType, RSASignaturePadding? padding)
    {
        Name = name;
        KeyType = keyType;
        Padding = padding;
    }

    /// <summary>ECDSA on P-256 (RFC 7518 section 3.4): the default, with signatures of 64 bytes.</summary>
    public static SignatureAlgorithm ES256 { get; } = new("ES256", "EC", null);

    /// <summary>RSASSA-PKCS1-v1_5 (RFC 7518 section 3.3), which every OpenID Connect library understands.</summary>
    public static SignatureAlgorithm RS256 { get; } = new("RS256", "RSA", RSASignaturePadding.Pkcs1);

    /// <summary>RSASSA-PSS with a salt of 32 bytes (RFC 7518 section 3.5).</summary>
    public static SignatureAlgorithm PS256 { get; } = new("PS256", "RSA", RSASignaturePadding.Pss);

    /// <summary>All algorithms, the default first.</summary>
    public static IReadOnlyList<SignatureAlgorithm> All { get; } = [ES256, RS256, PS256];

    /// <summary>The name as it stands in an <c>alg</c> member.</summary>
    public string Name { get; }

    /// <summary>The type of key that it needs, as in a <c>kty</c> member: <c>EC</c> or <c>RSA</c>.</summary>
    public string KeyType { get; }

    internal RSASignaturePadding? Padding { get; }

    /// <summary>Finds an algorithm by its name, which is case-sensitive (RFC 7515 section 4.1.1).</summary>
    /// <param name="name">The value of an <c>alg</c> member.</param>
    /// <param name="algorithm">The algorithm, or <see langword="null"/>.</param>
    /// <returns>Whether there is one of that name.</returns>
    public static bool TryParse(string? name, [NotNullWhen(true)] out SignatureAlgorithm? algorithm)
    {
        algorithm = name switch
        {
            "ES256" => ES256,
            "RS256" => RS256,
            "PS256" => PS256,
            _ => null,
        };
        return algorithm is not null;
    }

    /// <inheritdoc />
    public override string ToString() => Name;
}
