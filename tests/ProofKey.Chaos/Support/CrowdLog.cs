using ProofKey.Server.Storage;

namespace ProofKey.Chaos.Support;

/// <summary>The requests of a crowd, written down.</summary>
internal sealed class CrowdLog(string issuedTo) : RequestLog
{
    public Task<Answer> RedeemAsync(VirtualClient by, SignIn signIn, RegisteredClient client) =>
        NoteAsync(Act.Redeem, by, signIn, signIn.Code, client, "/token", new(signIn.Exchange) { ["client_id"] = client.Id });

    public Task<Answer> RefreshAsync(VirtualClient by, SignIn signIn, string token, RegisteredClient client) =>
        NoteAsync(Act.Refresh, by, signIn, token, client, "/token", new() { ["grant_type"] = "refresh_token", ["client_id"] = client.Id, ["refresh_token"] = token });

    public Task<Answer> RevokeAsync(VirtualClient by, SignIn signIn, string token) =>
        NoteAsync(Act.Revoke, by, signIn, token, null, "/revoke", new() { ["client_id"] = issuedTo, ["token"] = token });

    public Task<Answer> UserinfoAsync(VirtualClient by, SignIn signIn, string token) =>
        NoteAsync(Act.Userinfo, signIn.Name, issuedTo, issuedTo, token, () => by.SendAsync(HttpMethod.Get, "/userinfo", null, token), Told);

    private Task<Answer> NoteAsync(Act act, VirtualClient by, SignIn signIn, string presented, RegisteredClient? client, string path, Dictionary<string, string> fields) =>
        NoteAsync(act, signIn.Name, issuedTo, client?.Id ?? issuedTo, presented, () => by.SendAsync(HttpMethod.Post, path, fields), Told);

    private static (System.Net.HttpStatusCode Status, string? RefreshToken) Told(Answer answer) => (answer.Status, answer.RefreshToken);
}
