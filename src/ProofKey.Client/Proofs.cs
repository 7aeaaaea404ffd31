using System.Buffers;
using System.Collections.Concurrent;
using System.Net.Http.Headers;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>
/// Makes proofs of possession (RFC 9449 section 4.2), each with the newest nonce and by the clock of the server that it is for, as far as they
/// were seen. A server that tells a wrong time gets proofs of that time, which are good at no other.
/// </summary>
internal sealed class Proofs(TimeProvider time) : IDisposable
{
    private const int MaxNonceLength = 1024;
    private const int MaxOpenKeys = 16;

    // Less may be the way that an answer took.
    private static readonly TimeSpan Notable = TimeSpan.FromSeconds(5);

    // RFC 9449 section 8.1: visible ASCII without quotes and backslashes
    private static readonly SearchValues<char> NonceCharacters = SearchValues.Create(
        [.. Enumerable.Range('!', '~' - '!' + 1).Select(code => (char)code).Where(character => character is not ('"' or '\\'))]);

    private readonly ConcurrentDictionary<string, SigningKey> _keys = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _nonces = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, TimeSpan> _drifts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Makes a key for one session, as it is kept in the session's encrypted record.</summary>
    public string NewKey()
    {
        // Sign-ins that came to nothing leave keys behind; one that is still in use is opened again.
        if (_keys.Count >= MaxOpenKeys) _keys.Clear();
        var key = SigningKey.New(SignatureAlgorithm.ES256);
        var stored = Base64UrlText.Encode(key.ToPkcs8());
        _keys[stored] = key;
        return stored;
    }

    /// <summary>The key's name, for <c>dpop_jkt</c> (RFC 9449 section 10).</summary>
    public string ThumbprintOf(string key) => Opened(key).KeyId;

    /// <summary>Makes the proof of one request.</summary>
    /// <param name="key">The session's key.</param>
    /// <param name="method">The request's method.</param>
    /// <param name="address">Where it goes.</param>
    /// <param name="accessToken">The token beside it, at an API.</param>
    public string Make(string key, HttpMethod method, Uri address, string? accessToken = null) =>
        Dpop.Prove(Opened(key), method.Method, address, TimeAt(address), _nonces.GetValueOrDefault(OriginOf(address)), accessToken);

    /// <summary>Keeps what an answer tells for the next proof, be it good or bad (RFC 9449 section 8.2).</summary>
    /// <returns>The nonce in it.</returns>
    public string? Observe(Uri address, HttpResponseMessage answer)
    {
        // An answer out of a cache tells an old time.
        if (answer.Headers is { Age: null, Date: { } date }) _drifts[OriginOf(address)] = time.GetUtcNow() - date;
        if (NonceIn(answer.Headers) is not { } nonce) return null;
        return _nonces[OriginOf(address)] = nonce;
    }

    /// <summary>Wipes the keys from memory. A session that outlives its client opens its own again, as long as its token lasts.</summary>
    public void Dispose()
    {
        foreach (var stored in _keys.Keys)
            if (_keys.TryRemove(stored, out var key)) key.Dispose();
    }

    public override string ToString() => nameof(Proofs);

    // RFC 9449 section 8.2: a nonce is for the origin that gave it
    private static string OriginOf(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private static string? NonceIn(HttpResponseHeaders headers) =>
        headers.TryGetValues(Dpop.NonceHeaderName, out var values) && values.ToList() is [{ Length: > 0 and <= MaxNonceLength } nonce] && !nonce.AsSpan().ContainsAnyExcept(NonceCharacters) ? nonce : null;

    private DateTimeOffset TimeAt(Uri address)
    {
        var drift = _drifts.GetValueOrDefault(OriginOf(address));
        return time.GetUtcNow() - (drift.Duration() < Notable ? TimeSpan.Zero : drift);
    }

    private SigningKey Opened(string key) => _keys.GetOrAdd(key, static stored =>
        SigningKey.FromPkcs8(SignatureAlgorithm.ES256, Base64UrlText.TryDecode(stored, out var pkcs8) ? pkcs8 : []));
}
