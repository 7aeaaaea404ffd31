using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>What a client did.</summary>
public enum Act
{
    Redeem,
    Refresh,
    Userinfo,
    Revoke,

    /// <summary>An operator or a person ended what the grant stands on: account, password, client, session.</summary>
    End,
}

/// <summary>
/// One request and its answer, as a client saw it: between <paramref name="Began"/> and <paramref name="Ended"/>, on a clock that counts
/// events. Two entries are in order only if one ended before the other began.
/// </summary>
/// <param name="Began">When it was sent.</param>
/// <param name="Ended">When the answer was there.</param>
/// <param name="Act">What was done.</param>
/// <param name="Grant">The sign-in that it is about.</param>
/// <param name="IssuedTo">The client that the sign-in was for.</param>
/// <param name="Client">The client that sent it.</param>
/// <param name="Presented">The code or token that was presented.</param>
/// <param name="Status">The answer's status.</param>
/// <param name="RefreshToken">The refresh token of the answer.</param>
internal sealed record LogEntry(long Began, long Ended, Act Act, string Grant, string IssuedTo, string Client, string? Presented, HttpStatusCode Status, string? RefreshToken = null)
{
    public bool Succeeded => Status == HttpStatusCode.OK;

    /// <summary>Whether this was over before another was sent.</summary>
    public bool Precedes(LogEntry other) => Ended < other.Began;
}

/// <summary>Clients that write down everything they do and are told. Nothing is ever taken out of the log.</summary>
internal sealed class ClientLog(RunningServer server)
{
    private readonly ConcurrentQueue<LogEntry> _entries = new();
    private long _clock;

    public IReadOnlyCollection<LogEntry> Entries => _entries;

    public Task<JsonAnswer> RedeemAsync(IssuedCode code, RegisteredClient? by = null) =>
        NoteAsync(Act.Redeem, code, code.Text, by, () => server.PostFormAsync("/token", code.Exchange(("client_id", (by ?? code.Client).Id))));

    public Task<JsonAnswer> RefreshAsync(IssuedCode grant, string refreshToken, RegisteredClient? by = null) =>
        NoteAsync(Act.Refresh, grant, refreshToken, by, () => server.RefreshAsync(by ?? grant.Client, refreshToken));

    public Task<JsonAnswer> RevokeAsync(IssuedCode grant, string token) => NoteAsync(Act.Revoke, grant, token, null, () => server.RevokeAsync(grant.Client, token));

    public Task<JsonAnswer> UserinfoAsync(IssuedCode grant, string accessToken) => NoteAsync(Act.Userinfo, grant, accessToken, null, () => server.UserinfoAsync(accessToken));

    /// <summary>Ends what a sign-in stands on.</summary>
    public Task EndAsync(IssuedCode grant, Func<Task> end) => NoteAsync(Act.End, grant, null, null, async () =>
    {
        await end();
        return new JsonAnswer(HttpStatusCode.OK, default, new HttpResponseMessage());
    });

    private async Task<JsonAnswer> NoteAsync(Act act, IssuedCode grant, string? presented, RegisteredClient? by, Func<Task<JsonAnswer>> send)
    {
        var began = Interlocked.Increment(ref _clock);
        var answer = await send();
        var next = answer.Body.ValueKind == JsonValueKind.Object && answer.Body.TryGetProperty("refresh_token", out var token) ? token.GetString() : null;
        _entries.Enqueue(new LogEntry(began, Interlocked.Increment(ref _clock), act, grant.Text, grant.Client.Id, (by ?? grant.Client).Id, presented, answer.Status, next));
        return answer;
    }
}
