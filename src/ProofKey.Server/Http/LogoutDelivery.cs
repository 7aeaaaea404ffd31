using Microsoft.Extensions.Hosting;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Http;

/// <summary>
/// Tells clients that sessions have ended (OpenID Connect Back-Channel Logout section 2.5): again and again, ever more seldom, for a day.
/// Each client is served by itself, so one that is slow or away holds up no other.
/// </summary>
internal sealed class LogoutDelivery(
    LogoutOutbox outbox, ClientStore clients, KeyRing keys, GuardedHttp http, ServerOptions options, TimeProvider time, ILogger<LogoutDelivery> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly Dictionary<string, Task> _running = new(StringComparer.Ordinal);
    // Clients that failed and have not answered since share the smaller room, so that many of them delay nobody who answers.
    private readonly SemaphoreSlim _firstCalls = new(64);
    private readonly SemaphoreSlim _laterCalls = new(8);

    /// <summary>Delivers what is due, to the last row.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (await StartDueAsync(cancellation) is { Count: > 0 } started) await Task.WhenAll(started);
        await Task.WhenAll(Running());
    }

    public override void Dispose()
    {
        _firstCalls.Dispose();
        _laterCalls.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await StartDueAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                // Whatever it was: people go on signing in, and the next pass tries again.
                Log.LogoutsNotDelivered(logger, exception.Message);
            }
            await WaitAsync(stoppingToken);
        }
        // What was begun may end; nothing is lost either way.
        await Task.WhenAll(Running()).WaitAsync(GuardedHttp.Timeout, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>How long to wait after so many tries.</summary>
    internal static TimeSpan WaitAfter(long tries)
    {
        var wait = FirstWait * Math.Pow(2, Math.Min(tries, 20));
        return wait < LongestWait ? wait : LongestWait;
    }

    // Rows that this process wrote are due at once; those of another, or of before a restart, are found soon.
    private async Task WaitAsync(CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(Interval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        try
        {
            await outbox.Added.ReadAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // The time is over, or the server stops.
        }
    }

    // Whoever is being served already is not served twice at the same time.
    private async Task<List<Task>> StartDueAsync(CancellationToken cancellation)
    {
        var due = await outbox.ListDueClientsAsync(time.GetUtcNow(), cancellation);
        lock (_running)
        {
            foreach (var (clientId, task) in _running.ToList())
                if (task.IsCompleted) _running.Remove(clientId);
            return due.ConvertAll(clientId => _running.TryGetValue(clientId, out var running) ? running : _running[clientId] = Task.Run(() => ServeAsync(clientId, cancellation), CancellationToken.None));
        }
    }

    private List<Task> Running()
    {
        lock (_running) return [.. _running.Values];
    }

    private async Task ServeAsync(string clientId, CancellationToken cancellation)
    {
        try
        {
            if (await clients.FindAsync(clientId, cancellation) is { BackchannelLogoutUri: { } address } client) await DeliverAllAsync(client, new Uri(address), cancellation);
            else await outbox.DropAsync(clientId, DateTimeOffset.MaxValue);
        }
        catch (Exception exception)
        {
            // The rows are still there, and so is the next pass.
            if (!cancellation.IsCancellationRequested) Log.LogoutsNotDelivered(logger, exception.Message);
        }
    }

    private async Task DeliverAllAsync(RegisteredClient client, Uri address, CancellationToken cancellation)
    {
        if (await outbox.DropAsync(client.Id, time.GetUtcNow() - LogoutOutbox.Patience) is > 0 and var dropped) Log.LogoutsDropped(logger, dropped, client.Id);
        await keys.EnsureAsync(client.IdTokenAlgorithm, cancellation);
        var room = await outbox.HasFailedAsync(client.Id, cancellation) ? _laterCalls : _firstCalls;
        while (await outbox.ListDueAsync(client.Id, time.GetUtcNow(), cancellation) is { Count: > 0 } due)
        {
            foreach (var owed in due)
                if (!await DeliverAsync(client, address, owed, room, cancellation)) return;
        }
    }

    // The room comes before the row and its token: neither may grow old while others are being called.
    private async Task<bool> DeliverAsync(RegisteredClient client, Uri address, OwedLogout owed, SemaphoreSlim room, CancellationToken cancellation)
    {
        await room.WaitAsync(cancellation);
        try
        {
            var now = time.GetUtcNow();
            var nextTryAt = now + WaitAfter(owed.Tries);
            if (!await outbox.TakeAsync(owed, nextTryAt)) return true;
            if (await ProblemOfAsync(client, address, owed, cancellation) is { } problem)
            {
                Log.LogoutNotDelivered(logger, client.Id, owed.Tries + 1, problem);
                // Whoever does not answer this one will hardly answer the next.
                await outbox.PostponeAsync(client.Id, now, nextTryAt);
                return false;
            }
            await outbox.RemoveAsync(owed.Id);
            Log.LogoutDelivered(logger, client.Id);
            return true;
        }
        finally
        {
            room.Release();
        }
    }

    // OpenID Connect Back-Channel Logout section 2.8: 200, or 204 as some frameworks answer, and nothing else
    private async Task<string?> ProblemOfAsync(RegisteredClient client, Uri address, OwedLogout owed, CancellationToken cancellation)
    {
        var token = LogoutToken.Sign(keys.SigningKeyFor(client.IdTokenAlgorithm), options.Issuer.Value, client.Id, owed.Subject, BrowserSession.NameOf(owed.SessionId), time.GetUtcNow());
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new FormUrlEncodedContent([new("logout_token", token)]) };
        try
        {
            using var response = await http.SendAsync(request, cancellation);
            return (int)response.StatusCode is 200 or 204 ? null : $"It answered {(int)response.StatusCode}.";
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return exception is OperationCanceledException ? "No answer within 5 seconds." : exception.Message;
        }
    }
}
