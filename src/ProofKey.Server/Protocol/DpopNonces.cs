using ProofKey.Server.Keys;

namespace ProofKey.Server.Protocol;

/// <summary>
/// The nonces that proofs must carry (RFC 9449 section 8): the sealed number of a stretch of ten minutes. Nothing is stored, every
/// replica makes and knows the same, and a nonce is good in its own stretch and the next.
/// </summary>
internal sealed class DpopNonces(KeyRing keys)
{
    /// <summary>A client that refreshes before an access token of ten minutes ends needs no second try.</summary>
    public static readonly TimeSpan Stretch = TimeSpan.FromMinutes(10);

    private const int MaxLength = 100;

    private volatile Made? _made;

    /// <summary>The nonce of now.</summary>
    public string At(DateTimeOffset now)
    {
        var stretch = StretchOf(now);
        if (_made is { } made && made.Stretch == stretch) return made.Text;
        var value = new SealedPayload();
        value.Write(stretch);
        var text = Base64UrlText.Encode(keys.Seal(SealPurpose.DpopNonce, value.Written));
        _made = new Made(stretch, text);
        return text;
    }

    /// <summary>When a nonce ends, or <see langword="null"/> when it is none of ours or not good now.</summary>
    public DateTimeOffset? EndOf(string nonce, DateTimeOffset now)
    {
        if (Open(nonce) is not { } stretch) return null;
        var end = DateTimeOffset.UnixEpoch + ((stretch + 2) * Stretch);
        // One of the next stretch comes from a replica whose clock is a little ahead.
        return now < end && stretch <= StretchOf(now) + 1 ? end : null;
    }

    /// <summary>Whether a good nonce is of the stretch before, so that the client needs the next one soon.</summary>
    public bool IsOlder(string nonce, DateTimeOffset now) => Open(nonce) < StretchOf(now);

    private static long StretchOf(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / Stretch.Ticks;

    private long? Open(string nonce) =>
        _made is { } made && made.Text == nonce ? made.Stretch
        : nonce.Length <= MaxLength && Base64UrlText.TryDecode(nonce, out var bytes) && keys.Open(SealPurpose.DpopNonce, bytes) is { } value ? new SealedPayload(value).ReadNumber()
        : null;

    private sealed record Made(long Stretch, string Text);
}
