using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>The public keys of a server (RFC 7517 section 5).</summary>
public sealed class JwkSet
{
    /// <summary>The most bytes that are read.</summary>
    public const int MaxLength = 64 * 1024;

    /// <summary>The most keys that are read.</summary>
    public const int MaxCount = 50;

    private const int MaxDepth = 8;

    private readonly Jwk[] _keys;

    /// <summary>Makes a set.</summary>
    /// <param name="keys">The keys.</param>
    public JwkSet(params IEnumerable<Jwk> keys) => _keys = [.. keys];

    /// <summary>The keys in their order.</summary>
    public IReadOnlyList<Jwk> Keys => _keys;

    /// <summary>
    /// Reads a set. Keys that we do not use (another type, curve or algorithm, symmetric, weak or malformed) are left out, as RFC 7517
    /// section 5 asks; a set that gives away a private key is refused as a whole, since anybody could have signed with it.
    /// </summary>
    /// <param name="utf8Json">The JSON text, at most <see cref="MaxLength"/> bytes.</param>
    /// <param name="set">The set, perhaps without any key, or <see langword="null"/>.</param>
    /// <param name="problem">What is wrong with the set, as a sentence; <see langword="null"/> when nothing is.</param>
    /// <returns>Whether it is a set of keys.</returns>
    public static bool TryParse(ReadOnlySpan<byte> utf8Json, [NotNullWhen(true)] out JwkSet? set, [NotNullWhen(false)] out string? problem)
    {
        set = null;
        problem = null;
        if (utf8Json.Length > MaxLength)
            problem = $"The key set has more than {MaxLength} bytes.";
        else if (!StrictJson.TryParseObject(utf8Json, MaxDepth, out var json))
            problem = "The key set is not a JSON object without duplicate members.";
        else if (!json.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
            problem = "The key set has no list of keys.";
        else if (keys.GetArrayLength() > MaxCount)
            problem = $"The key set has more than {MaxCount} keys.";
        else if (keys.EnumerateArray().Any(JwkReader.HoldsPrivateHalf))
            problem = "The key set gives away a private key: whoever reads it can sign.";
        else
            set = new JwkSet(Usable(keys));
        return set is not null;
    }

    /// <summary>The keys that a signature may be checked with.</summary>
    /// <param name="keyId">The <c>kid</c> of the token's header; <see langword="null"/> finds every key that fits the algorithm.</param>
    /// <param name="algorithm">The algorithm of the token, which was found on a list of allowed ones.</param>
    /// <returns>The candidates; more than one where keys share a <c>kid</c>, none where it is unknown.</returns>
    public IReadOnlyList<Jwk> Find(string? keyId, SignatureAlgorithm algorithm) =>
        Array.FindAll(_keys, key => (keyId is null || key.KeyId == keyId) && key.CanVerifyWith(algorithm));

    /// <summary>The set as it is published; it has public members only.</summary>
    /// <returns>The JSON text in UTF-8.</returns>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("keys");
            foreach (var key in _keys) key.WriteTo(writer);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static IEnumerable<Jwk> Usable(JsonElement keys)
    {
        foreach (var json in keys.EnumerateArray())
            if (Jwk.TryParse(json, out var key, out _)) yield return key;
    }
}
