using System.Net;
using System.Text.Json;

namespace ProofKey.Client;

/// <summary>Reads claims about the person and throws away those about anybody else (OpenID Connect Core section 5.3).</summary>
internal sealed class UserInfo(PublicClient client)
{
    private const string What = "claims about the person";

    // A token that came for one that was refused and was refused too: its successor would be no better.
    private string? _refusedTwice;

    public async Task<JsonElement> GetAsync(Session session, bool mayRenew, CancellationToken cancel)
    {
        var server = await client.Discovery.GetAsync(cancel);
        if (server.UserInfo is null) throw new ProtocolViolationException("no_userinfo", "metadata with userinfo_endpoint", "it has none", "Use the claims of the ID token with this server.");
        var token = await session.GetAccessTokenAsync(cancel: cancel);
        var answer = await client.Backchannel.GetAsync(What, server.UserInfo, cancel, token);
        // However new the token is, unlike at an API: it is the server's own, and a renewal tells whether the session has ended.
        if (answer.Status == HttpStatusCode.Unauthorized && mayRenew && session.CanRefresh && token.Reveal() != Volatile.Read(ref _refusedTwice))
        {
            token = await session.ReplaceAsync(token, null, cancel);
            answer = await client.Backchannel.GetAsync(What, server.UserInfo, cancel, token);
            if (answer.Status == HttpStatusCode.Unauthorized) Volatile.Write(ref _refusedTwice, token.Reveal());
        }
        return Checked(answer, session.Subject);
    }

    private static JsonElement Checked(Answer answer, string? subject)
    {
        if (!answer.IsSuccess || !answer.IsJson)
            throw new ProtocolViolationException("userinfo", $"{What} as application/json", $"the answer was {(int)answer.Status} {ServerText.Shown(answer.MediaType)}", RemedyOf(answer.Status));
        var claims = answer.Object();
        // OpenID Connect Core section 5.3.2: the subject must be exactly the ID token's
        var same = subject is not null && claims.Text("sub") == subject;
        return same ? claims : throw new ProtocolViolationException("userinfo_subject", $"{What} who signed in", "they are about somebody else or about nobody");
    }

    // RFC 6750 section 3.1: 401 is about the token, all else about what it may do
    private static string RemedyOf(HttpStatusCode status) =>
        status == HttpStatusCode.Unauthorized ? "The server does not take the access token any more: sign in again." : "Check that openid was asked for and granted.";
}
