using System.Text.Json;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>Clients of a running server that write down everything they do and are told.</summary>
internal sealed class ClientLog(RunningServer server) : RequestLog
{
    public Task<JsonAnswer> RedeemAsync(IssuedCode code, RegisteredClient? by = null) =>
        NoteAsync(Act.Redeem, code, code.Text, by, () => server.PostFormAsync("/token", code.Exchange(("client_id", (by ?? code.Client).Id))));

    public Task<JsonAnswer> RefreshAsync(IssuedCode grant, string refreshToken, RegisteredClient? by = null) =>
        NoteAsync(Act.Refresh, grant, refreshToken, by, () => server.RefreshAsync(by ?? grant.Client, refreshToken));

    public Task<JsonAnswer> RevokeAsync(IssuedCode grant, string token) => NoteAsync(Act.Revoke, grant, token, null, () => server.RevokeAsync(grant.Client, token));

    public Task<JsonAnswer> UserinfoAsync(IssuedCode grant, string accessToken) => NoteAsync(Act.Userinfo, grant, accessToken, null, () => server.UserinfoAsync(accessToken));

    /// <summary>Ends what a sign-in stands on.</summary>
    public Task EndAsync(IssuedCode grant, Func<Task> end) => EndAsync([grant.Text], grant.Client.Id, end);

    private Task<JsonAnswer> NoteAsync(Act act, IssuedCode grant, string? presented, RegisteredClient? by, Func<Task<JsonAnswer>> send) =>
        NoteAsync(act, grant.Text, grant.Client.Id, (by ?? grant.Client).Id, presented, send, answer => (answer.Status, RefreshTokenOf(answer)));

    private static string? RefreshTokenOf(JsonAnswer answer) => answer.Body.ValueKind == JsonValueKind.Object && answer.Body.TryGetProperty("refresh_token", out var token) ? token.GetString() : null;
}
