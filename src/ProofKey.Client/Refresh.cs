using System.Text.Json;
using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>What a refresh is shared by: callers for another session, API or scope never get each other's tokens.</summary>
internal readonly record struct RefreshKey(string Session, string? Resource, string Scope);

/// <summary>
/// A refresh, as a transaction over the store: lock, read again, decide, mark, send, store, unlock. Whoever waits for the lock finds the new
/// tokens in the store and sends nothing.
/// </summary>
internal sealed class Refresh(PublicClient client)
{
    // A refresh ahead of time that failed is not tried again at each call.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    // How long a caller with a good token waits for a better one.
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(2);

    private readonly ClientOptions _options = client.Options;
    private readonly Lock _lock = new();
    private readonly Dictionary<RefreshKey, Task<StoredSession>> _underWay = [];
    private DateTimeOffset _restsUntil = DateTimeOffset.MinValue;

    // Tokens that could not be stored: their predecessor is spent, so they are all that is left of the session.
    private (string Spent, StoredSession Fresh)? _unsaved;

    /// <summary>
    /// The part of its life after which a token is renewed ahead of time: 72 to 88 per cent, another one in each program, so that many programs do not
    /// come to the server in the same second.
    /// </summary>
    public double RenewsAfter { get; } = 0.72 + (0.16 * BitConverter.ToUInt32(Secret.NewBytes(4)) / uint.MaxValue);

    /// <summary>Brings a session up to date. Callers that come meanwhile share it; it belongs to none of them, so none of them can cancel it for the others.</summary>
    /// <param name="known">The session as the caller knows it.</param>
    /// <param name="resource">The API that a token is wanted for; <see langword="null"/> is the session's first.</param>
    /// <param name="isGood">Whether a token found in the store is all that the caller wanted.</param>
    /// <param name="cancel">Ends the wait, and not the refresh.</param>
    /// <returns>The session, stored.</returns>
    public async Task<StoredSession> RunAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood, CancellationToken cancel)
    {
        while (true)
        {
            var (refresh, isOurs) = Join(known, resource, isGood);
            var fresh = await refresh.WaitAsync(cancel);
            // Somebody else's refresh may have been content with less, and another program's session may have no token for this API yet.
            if ((isOurs && fresh.TokenFor(resource) is not null) || Has(fresh, resource, isGood)) return fresh;
        }
    }

    /// <summary>The same for a token that is good for a while yet: what goes wrong is no matter unless it ends the session, and is not tried again at once.</summary>
    public async Task<StoredSession> TryAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood, CancellationToken cancel)
    {
        if (_options.TimeProvider.GetUtcNow() < _restsUntil) return known;
        var running = RunAsync(known, resource, isGood, cancel);
        try
        {
            return await running.WaitAsync(Courtesy, _options.TimeProvider, cancel);
        }
        catch (TimeoutException)
        {
            // It goes on without us, and its tokens are found in the store by a later call.
            _ = running.ContinueWith(late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            _restsUntil = _options.TimeProvider.GetUtcNow() + Rest;
            return known;
        }
        catch (ClientException failed) when (failed is not SignInRequiredException { Reason: SignInRequiredReason.SessionEnded or SignInRequiredReason.SignedOut })
        {
            var wait = (failed as AuthorizationServerUnavailableException)?.RetryAfter is { } asked && asked > Rest ? asked : Rest;
            _restsUntil = _options.TimeProvider.GetUtcNow() + wait;
            return known;
        }
        catch (ObjectDisposedException)
        {
            // The token outlives its client.
            return known;
        }
    }

    private (Task<StoredSession> Refresh, bool IsOurs) Join(StoredSession known, string? resource, Func<HeldToken, bool> isGood)
    {
        var key = new RefreshKey(known.Id, resource ?? known.Resource, known.AskedScope);
        lock (_lock)
        {
            if (_underWay.TryGetValue(key, out var running) && !running.IsCompleted) return (running, false);
            return (_underWay[key] = Task.Run(() => TransactAsync(known, resource, isGood), CancellationToken.None), true);
        }
    }

    private async Task<StoredSession> TransactAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood)
    {
        using var held = await client.Vault.LockUnlessAsync(async () => await CurrentAsync(known) is { } waiting && Has(waiting, resource, isGood), CancellationToken.None);
        var current = await CurrentAsync(known) ?? throw new SignInRequiredException(SignInRequiredReason.SignedOut);
        if (Has(current, resource, isGood) || held is null) return current;
        using var span = Spans.Start("refresh");
        try
        {
            var fresh = await RenewAsync(current, resource, isGood);
            span.End("ok", isGood: true);
            return fresh;
        }
        catch (ClientException failed)
        {
            span.End(failed.Code, isGood: false);
            _options.Emit(new ClientEvent.RefreshFailed(failed.Code, SessionKept: failed is not SignInRequiredException { Reason: SignInRequiredReason.SessionEnded }));
            throw;
        }
    }

    // Another sign-in under the same profile may be another person's.
    private async Task<StoredSession?> CurrentAsync(StoredSession known) =>
        await client.Vault.FindAsync(_options, CancellationToken.None) is { } found && found.Id == known.Id ? found : null;

    private static bool Has(StoredSession session, string? resource, Func<HeldToken, bool> isGood) => session.TokenFor(resource) is { } token && isGood(token);

    private async Task<StoredSession> RenewAsync(StoredSession current, string? resource, Func<HeldToken, bool> isGood)
    {
        if (current.RefreshToken is not { } refreshToken) throw NoRefreshToken(current, resource);
        var left = _unsaved?.Spent == refreshToken ? _unsaved?.Fresh : null;
        var (fresh, error) = left is null ? await SendAsync(current, refreshToken, resource) : (left, null);
        if (fresh is null) return await RefusedAsync(current, error!);
        await KeepAsync(refreshToken, fresh);
        if (fresh.TokenFor(resource) is { } token && token != current.TokenFor(resource)) _options.Emit(new ClientEvent.TokensRefreshed(token.ExpiresAt));
        return left is null || Has(fresh, resource, isGood) ? fresh : await RenewAsync(fresh, resource, isGood);
    }

    // While its first token lasts, the session has not ended.
    private SignInRequiredException NoRefreshToken(StoredSession current, string? resource) => current.TokenFor(resource) is null && _options.TimeProvider.GetUtcNow() < current.ExpiresAt
        ? new SignInRequiredException(
            SignInRequiredReason.NoRefreshToken,
            $"a refresh token to get a token for {resource} with",
            "the server gave none at the sign-in",
            "Ask for offline_access, or see to it that the client may have refresh tokens; or sign in for that API alone.")
        : new SignInRequiredException(SignInRequiredReason.SessionEnded);

    private async Task KeepAsync(string spent, StoredSession fresh)
    {
        _unsaved = (spent, fresh);
        await client.Vault.SaveAsync(fresh, CancellationToken.None);
        _unsaved = null;
    }

    private async Task<(StoredSession? Fresh, OAuthError? Error)> SendAsync(StoredSession current, string refreshToken, string? resource)
    {
        var server = await client.Discovery.GetAsync(CancellationToken.None);
        // The keys come first: once it was sent, a refresh token is spent, whatever becomes of the answer.
        if (current.Claims is not null) await client.Keys.GetAsync(server.Keys!, again: false, CancellationToken.None);
        var (granted, error) = await SendMarkedAsync(current, server, refreshToken, resource ?? current.Resource);
        if (granted is not { } answer) return (null, error);
        var next = TokenEndpoint.NewRefreshToken(answer);
        try
        {
            return (await CheckedAsync(current, server, answer, resource), null);
        }
        catch (Exception) when (next is not null)
        {
            // The access token is withheld, whatever went wrong, but to send the spent token again would end the session (RFC 9700 section 4.14.2).
            await KeepAsync(refreshToken, current with { RefreshToken = next, Renewing = null });
            throw;
        }
    }

    // The mark is on the disk before the token is on the wire: whatever happens in between, the next one to look knows that it may be spent.
    private async Task<(JsonElement? Granted, OAuthError? Error)> SendMarkedAsync(StoredSession current, AuthorizationServer server, string refreshToken, string? resource)
    {
        if (!current.WasInterrupted) await client.Vault.SaveAsync(current with { Renewing = RenewalMark.Of(refreshToken, _options.TimeProvider.GetUtcNow()) }, CancellationToken.None);
        try
        {
            var (granted, error) = await client.TokenEndpoint.RefreshAsync(server, refreshToken, current.DpopKey, resource, CancellationToken.None);
            // A refusal is an answer: this attempt, at least, spent nothing.
            if (error is not null) await UnmarkAsync(current);
            return (granted, error);
        }
        // RFC 9449 section 8: what is refused for want of a nonce did nothing
        catch (ClientException failed) when (failed is AuthorizationServerUnavailableException { NothingHappened: true } or ProtocolViolationException { Code: "dpop_nonce" })
        {
            await UnmarkAsync(current);
            throw;
        }
    }

    // What an earlier attempt left stays: it is still unknown what became of that one.
    private async Task UnmarkAsync(StoredSession current)
    {
        if (!current.WasInterrupted && await CurrentAsync(current) is { } marked && marked.RefreshToken == current.RefreshToken) await client.Vault.SaveAsync(current with { Renewing = null }, CancellationToken.None);
    }

    private async Task<StoredSession> CheckedAsync(StoredSession current, AuthorizationServer server, JsonElement answer, string? resource)
    {
        var tokens = client.TokenEndpoint.Read(answer, current.DpopKey is not null);
        if (tokens.IdToken is { } idToken && current.Claims is { } original)
        {
            var context = new IdTokenContext(null, original, tokens.AccessToken, client.Backchannel.ServerClock);
            await IdToken.ValidateAsync(idToken, server, client.Keys, _options, context, CancellationToken.None);
        }
        return current.With(tokens, resource, _options.TimeProvider.GetUtcNow());
    }

    // RFC 6749 section 5.2: invalid_grant alone says that the refresh token is no longer good; nothing else ends a session.
    private async Task<StoredSession> RefusedAsync(StoredSession sent, OAuthError error)
    {
        if (error.Code != "invalid_grant")
            throw new SignInRequiredException(SignInRequiredReason.Refused, error, remedy: KnownProviders.RemedyOf(_options.Issuer, error));
        // A program that does not keep to our lock may have rotated it meanwhile.
        if (await CurrentAsync(sent) is { } other && other.RefreshToken != sent.RefreshToken) return other;
        await client.Vault.RemoveAsync(CancellationToken.None);
        throw new SignInRequiredException(SignInRequiredReason.SessionEnded, error, wasInterrupted: sent.WasInterrupted);
    }
}
