using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>A signed text whose signature nobody has checked yet. Its payload comes out of <see cref="Verify"/> alone.</summary>
public sealed class UnverifiedJws
{
    private readonly string _text;
    private readonly int _payload;
    private readonly int _signature;

    internal UnverifiedJws(string text, int payload, int signature, string algorithmName, string? keyId, string? type, JsonElement header)
    {
        _text = text;
        _payload = payload;
        _signature = signature;
        AlgorithmName = algorithmName;
        KeyId = keyId;
        Type = type;
        Header = header;
    }

    /// <summary>The <c>alg</c> of the header: whatever the sender wrote.</summary>
    public string AlgorithmName { get; }

    /// <summary>The <c>kid</c> of the header. It is compared with the names of keys and used for nothing else (RFC 8725 section 3.10).</summary>
    public string? KeyId { get; }

    /// <summary>The <c>typ</c> of the header.</summary>
    public string? Type { get; }

    /// <summary>The whole header: whatever the sender wrote.</summary>
    internal JsonElement Header { get; }

    /// <summary>Checks the signature; the algorithm is looked for on the list before any key is touched (RFC 8725 section 3.1 and section 3.3).</summary>
    /// <param name="keys">The keys of the one who should have signed.</param>
    /// <param name="allowed">The algorithms that are accepted.</param>
    /// <param name="payload">The bytes that were signed, or <see langword="null"/>.</param>
    /// <param name="problem">Why not: <c>algorithm</c>, <c>unknown_key</c> or <c>signature</c>; <see langword="null"/> when it is good.</param>
    /// <returns>Whether one of the keys made the signature.</returns>
    public bool Verify(
        JwkSet keys, IReadOnlyList<SignatureAlgorithm> allowed, [NotNullWhen(true)] out byte[]? payload, [NotNullWhen(false)] out JwtProblem? problem)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(allowed);
        payload = null;
        problem = null;
        if (!SignatureAlgorithm.TryParse(AlgorithmName, out var algorithm) || !allowed.Contains(algorithm))
            problem = new JwtProblem(JwtProblem.Algorithm, "The token's algorithm (alg) is not on the list of allowed ones.");
        else if (keys.Find(KeyId, algorithm) is not { Count: > 0 } candidates)
            problem = new JwtProblem(JwtProblem.UnknownKey, "No key of the issuer has the token's kid and fits its algorithm.");
        else if (!IsSignedBy(candidates, algorithm) || !Base64UrlText.TryDecode(_text.AsSpan(_payload..(_signature - 1)), out payload))
            problem = new JwtProblem(JwtProblem.Signature, "The token's signature is wrong.");
        return payload is not null && problem is null;
    }

    /// <summary>Checks the signature with the one key that the text brought along itself, whatever name that has.</summary>
    /// <returns>The bytes that were signed, or <see langword="null"/>.</returns>
    internal byte[]? VerifyWith(Jwk key)
    {
        if (!SignatureAlgorithm.TryParse(AlgorithmName, out var algorithm) || !key.CanVerifyWith(algorithm) || !IsSignedBy([key], algorithm)) return null;
        return Base64UrlText.TryDecode(_text.AsSpan(_payload..(_signature - 1)), out var payload) ? payload : null;
    }

    /// <summary>Names the type alone: tokens never reach a log by being printed.</summary>
    /// <returns>A fixed text.</returns>
    public override string ToString() => nameof(UnverifiedJws);

    // RFC 7515 section 5.2 step 8: the signing input is the ASCII text up to the second dot, as it was sent.
    private bool IsSignedBy(IReadOnlyList<Jwk> candidates, SignatureAlgorithm algorithm)
    {
        if (!Base64UrlText.TryDecode(_text.AsSpan(_signature..), out var signature)) return false;
        var buffer = ArrayPool<byte>.Shared.Rent(_signature - 1);
        try
        {
            var signed = buffer.AsSpan(0, Encoding.ASCII.GetBytes(_text.AsSpan(0, _signature - 1), buffer));
            foreach (var key in candidates)
                if (key.Verify(algorithm, signed, signature)) return true;
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
