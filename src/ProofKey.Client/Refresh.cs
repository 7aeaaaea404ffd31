namespace ProofKey.Client;

/// <summary>What a refresh is shared by: callers for another session or API never get each other's tokens.</summary>
internal readonly record struct RefreshKey(string Session, string? Resource);

/// <summary>
/// Renewals as callers see them: those who want the same share one, a token that is good for a while waits for none, and what was sent outlives the client.
/// </summary>
internal sealed class Refresh : IDisposable
{
    // A refresh ahead of time that failed is not tried again at each call.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    // How long a caller with a good token waits for a better one.
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(2);

    private readonly ClientOptions _options;
    private readonly Renewal _renewal;
    private readonly WakeUp _wakeUp;
    private readonly Lock _lock = new();
    private readonly Dictionary<RefreshKey, Task<StoredSession>> _underWay = [];
    // Ends what has not been sent yet.
    private readonly CancellationTokenSource _closing = new();
    private Resting? _resting;

    private sealed record Resting(DateTimeOffset Since, TimeSpan Length);

    public Refresh(PublicClient client)
    {
        _options = client.Options;
        _renewal = new Renewal(client, _closing.Token);
        _wakeUp = new WakeUp(client.Options.TimeProvider);
    }

    /// <summary>
    /// The part of its life after which a token is renewed ahead of time: 72 to 88 per cent, another one in each program, so that many programs do not
    /// come to the server in the same second.
    /// </summary>
    public double RenewsAfter { get; } = 0.72 + (0.16 * WakeUp.Chance());

    private DateTimeOffset Now => _options.TimeProvider.GetUtcNow();

    /// <summary>Brings a session up to date. Callers that come meanwhile share it; it belongs to none of them, so none of them can cancel it for the others.</summary>
    /// <param name="known">The session as the caller knows it.</param>
    /// <param name="resource">The API that a token is wanted for; <see langword="null"/> is the session's first.</param>
    /// <param name="isGood">Whether a token found in the store is all that the caller wanted.</param>
    /// <param name="cancel">Ends the wait, and not the refresh.</param>
    /// <returns>The session, stored.</returns>
    /// <exception cref="ObjectDisposedException">The client was disposed before anything was sent.</exception>
    public async Task<StoredSession> RunAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood, CancellationToken cancel)
    {
        while (true)
        {
            var (refresh, isOurs) = Join(known, resource, isGood);
            var fresh = await refresh.WaitAsync(cancel);
            // Somebody else's refresh may have been content with less, and another program's session may have no token for this API yet.
            if ((isOurs && fresh.TokenFor(resource) is not null) || Renewal.Has(fresh, resource, isGood)) return fresh;
        }
    }

    /// <summary>The same for a token that is good for a while yet: what goes wrong is no matter unless it ends the session, and is not tried again at once.</summary>
    public async Task<StoredSession> TryAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood, CancellationToken cancel)
    {
        if (Rests()) return known;
        var running = RunAsync(known, resource, isGood, cancel);
        try
        {
            return await running.WaitAsync(Courtesy, _options.TimeProvider, cancel);
        }
        catch (TimeoutException)
        {
            // It goes on without us, and its tokens are found in the store by a later call.
            Observe(running);
            Volatile.Write(ref _resting, new Resting(Now, Rest));
            return known;
        }
        catch (ClientException failed) when (failed is not SignInRequiredException { Reason: SignInRequiredReason.SessionEnded or SignInRequiredReason.SignedOut })
        {
            Volatile.Write(ref _resting, new Resting(Now, (failed as AuthorizationServerUnavailableException)?.RetryAfter is { } asked && asked > Rest ? asked : Rest));
            return known;
        }
        catch (ObjectDisposedException)
        {
            // The token outlives its client.
            return known;
        }
    }

    /// <summary>The session with tokens that could not be stored so far, if they are its own. The caller holds the lock.</summary>
    public StoredSession Newest(StoredSession stored) => _renewal.Newest(stored);

    /// <summary>Ends what has not been sent yet, and waits for what has: its tokens are spent at the server.</summary>
    /// <param name="limit">Ends the wait.</param>
    public async Task CloseAsync(CancellationToken limit)
    {
        await _closing.CancelAsync();
        Task[] underWay;
        lock (_lock) underWay = [.. _underWay.Values];
        await Task.WhenAll(underWay).WaitAsync(limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Renews nothing any more; <see cref="CloseAsync"/> comes before.</summary>
    public void Dispose() => _closing.Dispose();

    /// <summary>Tries once more to store what could not be stored: it ends with this program.</summary>
    /// <param name="limit">Ends the wait for the lock.</param>
    public Task SaveLeftAsync(CancellationToken limit) => _renewal.SaveLeftAsync(limit);

    // A clock that was set back or far ahead meanwhile ends the rest.
    private bool Rests() => Volatile.Read(ref _resting) is { } resting && Now - resting.Since is var passed && passed >= TimeSpan.Zero && passed < resting.Length;

    private (Task<StoredSession> Refresh, bool IsOurs) Join(StoredSession known, string? resource, Func<HeldToken, bool> isGood)
    {
        var key = new RefreshKey(known.Id, resource ?? known.Resource);
        lock (_lock)
        {
            if (_underWay.TryGetValue(key, out var running) && !running.IsCompleted) return (running, false);
            var ours = Task.Run(() => RenewAsync(known, resource, isGood), CancellationToken.None);
            _underWay[key] = ours;
            // Everybody who waited for it may have given up.
            Observe(ours);
            _ = ours.ContinueWith(ended => Leave(key, ended), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return (ours, true);
        }
    }

    // The tokens of sessions that have ended are not kept for as long as the client lives.
    private void Leave(RefreshKey key, Task<StoredSession> ended)
    {
        lock (_lock)
            if (_underWay.TryGetValue(key, out var last) && last == ended) _underWay.Remove(key);
    }

    private static void Observe(Task task) => _ = task.ContinueWith(late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private async Task<StoredSession> RenewAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood)
    {
        try
        {
            _closing.Token.ThrowIfCancellationRequested();
            // Who comes first meanwhile renews for all programs that share the store.
            if (_wakeUp.Pause(known.TokenFor(resource), RenewsAfter) is { Ticks: > 0 } pause) await Task.Delay(pause, _options.TimeProvider, _closing.Token);
            return await _renewal.RunAsync(known, resource, isGood);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            throw new ObjectDisposedException(typeof(PublicClient).FullName);
        }
    }
}
