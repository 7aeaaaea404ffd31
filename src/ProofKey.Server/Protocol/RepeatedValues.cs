namespace ProofKey.Server.Protocol;

/// <summary>
/// Notices a challenge or nonce for which a client has had a code before: each must be made anew (RFC 9700 section 2.1.1). It is the reasonable effort that the
/// standard asks for: in this process only, for some days, and for the last codes only when there are very many. No row is written.
/// </summary>
internal sealed class RepeatedValues
{
    private const int MaxEntries = 50_000;

    private static readonly TimeSpan Remembered = TimeSpan.FromDays(2);

    // A key of this process: what is remembered says nothing about the values.
    private readonly string _key = Secret.NewText();
    private readonly Lock _lock = new();
    private HashSet<UInt128> _young = [];
    private HashSet<UInt128> _old = [];
    private DateTimeOffset _youngSince;

    /// <summary>The name of the parameter that the client has used before, or <see langword="null"/>. Both values count as used from now on.</summary>
    public string? Find(AuthorizeRequest request, DateTimeOffset now)
    {
        var challenge = IsRepeated(request, "code_challenge", request.Challenge.ToString(), now);
        var nonce = request.Nonce is { } value && IsRepeated(request, "nonce", value, now);
        return challenge ? "code_challenge" : nonce ? "nonce" : null;
    }

    private bool IsRepeated(AuthorizeRequest request, string name, string value, DateTimeOffset now)
    {
        Span<byte> digest = stackalloc byte[Secret.DigestLength];
        Secret.Digest($"{_key} {name} {request.Client.Id} {value}", digest);
        var entry = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(digest);
        lock (_lock)
        {
            if (_young.Count >= MaxEntries || now - _youngSince > Remembered) (_old, _young, _youngSince) = (_young, [], now);
            return !_young.Add(entry) || _old.Contains(entry);
        }
    }
}
