using ProofKey.Server.Keys;

namespace ProofKey.Server.Protocol;

/// <summary>
/// What a refresh token carries: the grant, the row's secret and the token's number in the grant. The key alone or the database alone
/// forges none.
/// </summary>
internal sealed record RefreshToken(byte[] GrantId, byte[] RowSecret, long Sequence)
{
    /// <summary>What every refresh token starts with, so that scanners for leaked secrets recognise one.</summary>
    public const string Prefix = "pkr_";

    public const int SecretLength = 16;

    private const int MaxLength = 200;

    /// <summary>A row's secret as the row holds it.</summary>
    public static byte[] DigestOf(byte[] rowSecret) => Secret.Digest(rowSecret)[..16];

    public string Seal(KeyRing keys)
    {
        var value = new SealedPayload();
        value.Write(GrantId);
        value.Write(RowSecret);
        value.Write(Sequence);
        return Prefix + Base64UrlText.Encode(keys.Seal(SealPurpose.RefreshToken, value.Written));
    }

    public static RefreshToken? Open(string text, KeyRing keys)
    {
        if (text.Length > MaxLength || !text.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        if (!Base64UrlText.TryDecode(text.AsSpan(Prefix.Length), out var bytes) || keys.Open(SealPurpose.RefreshToken, bytes) is not { } opened) return null;
        var value = new SealedPayload(opened);
        return new RefreshToken(value.ReadBytes(), value.ReadBytes(), value.ReadNumber());
    }

    /// <summary>Names the type alone: a token never reaches a log by being printed.</summary>
    public override string ToString() => nameof(RefreshToken);
}
