using ProofKey.Server.Keys;

namespace ProofKey.Server.Protocol;

/// <summary>
/// What a right user code is exchanged for: it opens the page that asks for a decision, for this browser and this account alone. A page
/// that has none shows nothing of any device.
/// </summary>
internal sealed record DeviceTicket(byte[] Id, UserCode Code)
{
    public const string ParameterName = "step";

    public string Seal(KeyRing keys, string browserCookie, string subject)
    {
        var value = new SealedPayload();
        value.Write(Secret.Digest(browserCookie));
        value.Write(subject);
        value.Write(Id);
        value.Write(Code.ToString());
        return Base64UrlText.Encode(keys.Seal(SealPurpose.DeviceTicket, value.Written));
    }

    /// <summary>Opens a ticket of this browser and this account; any other one counts as absent. It ends with its row.</summary>
    public static DeviceTicket? Open(string? text, KeyRing keys, string? browserCookie, string subject)
    {
        if (text is null || browserCookie is null || !Base64UrlText.TryDecode(text, out var bytes) || keys.Open(SealPurpose.DeviceTicket, bytes) is not { } opened) return null;
        var value = new SealedPayload(opened);
        if (!Secret.AreEqual(value.ReadBytes(), Secret.Digest(browserCookie)) || value.ReadText() != subject) return null;
        var id = value.ReadBytes();
        return UserCode.Read(value.ReadText()) is { } code ? new DeviceTicket(id, code) : null;
    }

    public override string ToString() => nameof(DeviceTicket);
}
