using System.Text.Json;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>Who a session belongs to, as far as the server tells.</summary>
internal static class Person
{
    /// <summary>What the server says of the person; what it said at the sign-in when it cannot be asked.</summary>
    /// <param name="session">The session.</param>
    /// <param name="mustLive">Whether a session that has ended is an error, and not just less to show.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="onOlder">Told why what comes is of the sign-in.</param>
    public static async Task<JsonElement> ClaimsAsync(Session session, bool mustLive, CancellationToken cancellation, Action<ClientException>? onOlder = null)
    {
        if (session.Subject is null) return default;
        try
        {
            return await session.GetUserInfoAsync(cancellation);
        }
        catch (ClientException away) when (!mustLive || away is not SignInRequiredException)
        {
            onOlder?.Invoke(away);
            return session.Claims;
        }
    }

    /// <summary>The name to show; the subject when there is no other.</summary>
    public static string NameOf(JsonElement claims, Session session) =>
        NameIn(claims) ?? Text(claims, "email") ?? session.Subject ?? "somebody";

    /// <summary>The name, where the server told one.</summary>
    public static string? NameIn(JsonElement claims) => Text(claims, "name") ?? Text(claims, "preferred_username");

    public static string? Text(JsonElement claims, string name) =>
        claims.ValueKind == JsonValueKind.Object ? claims.Text(name) : null;
}
