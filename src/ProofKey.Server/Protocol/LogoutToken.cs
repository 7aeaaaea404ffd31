using ProofKey.Jose;

namespace ProofKey.Server.Protocol;

/// <summary>What a client is sent when a session has ended (OpenID Connect Back-Channel Logout section 2.4).</summary>
internal static class LogoutToken
{
    /// <summary>The type, by which nobody can take it for an ID token or an access token.</summary>
    public const string Type = "logout+jwt";

    /// <summary>The one event that it tells of.</summary>
    public const string Event = "http://schemas.openid.net/event/backchannel-logout";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    /// <summary>Makes one.</summary>
    /// <param name="key">The key that signs the client's ID tokens.</param>
    /// <param name="issuer">Our issuer.</param>
    /// <param name="clientId">The client.</param>
    /// <param name="subject">Whose session it was.</param>
    /// <param name="sessionId">Which one, as ID tokens name it.</param>
    /// <param name="now">The time.</param>
    public static string Sign(SigningKey key, string issuer, string clientId, string subject, string sessionId, DateTimeOffset now) => Jwt.Sign(key, Type, claims =>
    {
        claims.WriteString("iss"u8, issuer);
        claims.WriteString("sub"u8, subject);
        claims.WriteString("aud"u8, clientId);
        claims.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
        claims.WriteNumber("exp"u8, (now + Lifetime).ToUnixTimeSeconds());
        claims.WriteString("jti"u8, Secret.NewText(16));
        claims.WriteString("sid"u8, sessionId);
        claims.WriteStartObject("events"u8);
        claims.WriteStartObject(Event);
        claims.WriteEndObject();
        claims.WriteEndObject();
    });
}
