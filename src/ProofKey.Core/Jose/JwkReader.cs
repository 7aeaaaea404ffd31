using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>Reads a public key and refuses what is private, weak, malformed or not ours (RFC 7517 section 4, RFC 7518 section 6).</summary>
internal static class JwkReader
{
    // RFC 7518 section 6.2.2, section 6.3.2 and section 6.4: the members that only whoever signs may know
    private static readonly string[] PrivateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth"];

    public static bool TryRead(JsonElement json, [NotNullWhen(true)] out Jwk? key, [NotNullWhen(false)] out string? problem)
    {
        key = null;
        try
        {
            problem = MembersProblem(json) ?? Read(json, out key);
        }
        catch (InvalidOperationException)
        {
            // RFC 8259 section 8.2: half of a surrogate pair, which the platform refuses to hand out as a text.
            problem = "The key holds a text that is not Unicode.";
        }
        catch (CryptographicException)
        {
            problem = "The platform does not take the key.";
        }
        return key is not null;
    }

    /// <summary>Whether a key of any type gives away its private half.</summary>
    public static bool HoldsPrivateHalf(JsonElement json) =>
        json.ValueKind == JsonValueKind.Object && Array.Exists(PrivateMembers, name => json.TryGetProperty(name, out _));

    private static string? MembersProblem(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) return "A key is a JSON object.";
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in json.EnumerateObject())
            if (!names.Add(member.Name)) return "A member of the key stands there twice.";
        if (names.Overlaps(PrivateMembers) || names.Contains("k")) return "The key holds a private or symmetric part; it must be public.";
        // RFC 8725 section 3.10: an address inside a key invites a call to it.
        return names.Contains("x5u") ? "The key points to another address (x5u)." : null;
    }

    private static string? Read(JsonElement json, out Jwk? key)
    {
        key = null;
        if (!json.TryText("kty", out var keyType) || !json.TryText("kid", out var keyId) || !json.TryText("use", out var use) || !json.TryText("alg", out var name))
            return "The key's kty, kid, use and alg are texts.";
        if (keyType is not ("EC" or "RSA")) return "The key's type (kty) is not EC or RSA.";
        if (!TryKeyOperations(json, out var operations)) return "The key's key_ops is a list of different texts.";
        if (!TryAlgorithm(name, keyType, out var algorithm)) return "The key's algorithm (alg) is not one of ours for its type: ES256, RS256 or PS256.";
        var problem = keyType == "EC" ? ReadEc(json, out key) : ReadRsa(json, out key);
        key = key?.Described(keyId, use, algorithm, operations, IssuerIn(json));
        return problem;
    }

    private static string? ReadEc(JsonElement json, out Jwk? key)
    {
        key = null;
        if (!json.TryText("crv", out var curve) || curve != "P-256") return "The key's curve (crv) is not P-256.";
        // RFC 7518 section 6.2.1.2: a coordinate has the full size of the curve, 32 bytes.
        if (!TryBytes(json, "x", out var x) || !TryBytes(json, "y", out var y) || !P256.HasPoint(x, y))
            return "The key's coordinates are not a point on P-256.";
        key = new Jwk(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } });
        return null;
    }

    private static string? ReadRsa(JsonElement json, out Jwk? key)
    {
        key = null;
        if (!TryBytes(json, "n", out var modulus) || !TryBytes(json, "e", out var exponent)) return "The key's n and e are base64url texts.";
        // RFC 7518 section 6.3.1.1: some libraries write a zero byte first; the number is the same without it.
        modulus = [.. modulus.AsSpan().TrimStart((byte)0)];
        exponent = [.. exponent.AsSpan().TrimStart((byte)0)];
        if (RsaModulus.Problem(modulus, exponent) is { } problem) return problem;
        key = new Jwk(new RSAParameters { Modulus = modulus, Exponent = exponent });
        return null;
    }

    private static bool TryBytes(JsonElement json, string name, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        return json.TryText(name, out var text) && text is not null && Base64UrlText.TryDecode(text, out bytes);
    }

    // RFC 7517 section 4.3: duplicate operations must not be present.
    private static bool TryKeyOperations(JsonElement json, out string[]? operations)
    {
        operations = null;
        if (!json.TryGetProperty("key_ops", out var value)) return true;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String)) return false;
        operations = [.. value.EnumerateArray().Select(item => item.GetString()!)];
        return operations.Distinct(StringComparer.Ordinal).Count() == operations.Length;
    }

    // Most sets have no such member, and what it is there must not make a key useless.
    private static string? IssuerIn(JsonElement json) => !json.TryGetProperty("issuer", out var issuer) ? null : issuer.ValueKind == JsonValueKind.String ? issuer.GetString() : "";

    private static bool TryAlgorithm(string? name, string keyType, out SignatureAlgorithm? algorithm)
    {
        algorithm = null;
        return name is null || (SignatureAlgorithm.TryParse(name, out algorithm) && algorithm.KeyType == keyType);
    }
}
