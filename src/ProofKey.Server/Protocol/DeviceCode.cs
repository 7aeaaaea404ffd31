using ProofKey.Server.Keys;

namespace ProofKey.Server.Protocol;

/// <summary>
/// The code that a device keeps and polls with: the id of its row, which is the id of the grant that redeeming it will insert, and a
/// random secret whose digest the row holds. It is sealed, so that only codes of ours are ever looked up.
/// </summary>
internal sealed record DeviceCode(byte[] Id, byte[] RowSecret)
{
    /// <summary>What every device code starts with, so that scanners for leaked secrets recognise one.</summary>
    public const string Prefix = "pkd_";

    public const int MaxLength = 200;

    // RFC 8628 section 5.2: too long to be guessed
    private const int SecretLength = 16;

    public static DeviceCode New(DateTimeOffset now) => new(Secret.NewId(now), Secret.NewBytes(SecretLength));

    public byte[] SecretDigest => Secret.Digest(RowSecret);

    public string Seal(KeyRing keys)
    {
        var value = new SealedPayload();
        value.Write(Id);
        value.Write(RowSecret);
        return Prefix + Base64UrlText.Encode(keys.Seal(SealPurpose.DeviceCode, value.Written));
    }

    public static DeviceCode? Open(string text, KeyRing keys)
    {
        if (text.Length > MaxLength || !text.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        if (!Base64UrlText.TryDecode(text.AsSpan(Prefix.Length), out var bytes) || keys.Open(SealPurpose.DeviceCode, bytes) is not { } opened) return null;
        var value = new SealedPayload(opened);
        return new DeviceCode(value.ReadBytes(), value.ReadBytes());
    }

    /// <summary>Names the type alone: a code never reaches a log by being printed.</summary>
    public override string ToString() => nameof(DeviceCode);
}
