using System.Text.Json;
using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>
/// A renewal, as a transaction over the store: lock, read again, decide, mark, send, store, unlock. Whoever waits for the lock finds the new
/// tokens in the store and sends nothing.
/// </summary>
/// <param name="client">Whose sessions are renewed.</param>
/// <param name="unsent">Ends what has not been sent yet; what has is never cancelled.</param>
internal sealed class Renewal(PublicClient client, CancellationToken unsent)
{
    private readonly ClientOptions _options = client.Options;

    // Tokens that could not be stored: their predecessor is spent, so they are all that is left of the session.
    private Unsaved? _unsaved;

    private sealed record Unsaved(string Spent, StoredSession Fresh);

    /// <summary>Whether a session has a token that will do.</summary>
    public static bool Has(StoredSession session, string? resource, Func<HeldToken, bool> isGood) => session.TokenFor(resource) is { } token && isGood(token);

    /// <summary>The session with tokens that could not be stored so far, if they are its own. The caller holds the lock.</summary>
    public StoredSession Newest(StoredSession stored) => Left(stored) ?? stored;

    /// <summary>Tries once more to store what could not be stored.</summary>
    public async Task SaveLeftAsync(CancellationToken limit)
    {
        if (_unsaved is null) return;
        try
        {
            using var held = await client.Vault.LockAsync(limit);
            if (_unsaved is { } unsaved && await CurrentAsync(unsaved.Fresh, limit) is { } found && found.RefreshToken == unsaved.Spent) await KeepAsync(unsaved.Spent, unsaved.Fresh);
        }
        catch (Exception failed) when (failed is ClientException or OperationCanceledException)
        {
            // Nobody is left to be told.
        }
    }

    /// <summary>Renews a session unless another program did.</summary>
    /// <exception cref="OperationCanceledException">The client was disposed before anything was sent.</exception>
    public async Task<StoredSession> RunAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood)
    {
        var current = await FoundAsync(known);
        if (Has(current, resource, isGood)) return current;
        using var span = Spans.Start("refresh");
        try
        {
            var fresh = await RenewInTurnAsync(current, resource, isGood);
            span.End("ok", isGood: true);
            return fresh;
        }
        catch (ClientException failed)
        {
            span.End(failed.Code, isGood: false);
            if (failed is not SignInRequiredException { Reason: SignInRequiredReason.SignedOut })
                _options.Emit(new ClientEvent.RefreshFailed(failed.Code, SessionKept: failed is not SignInRequiredException { Reason: SignInRequiredReason.SessionEnded }));
            throw;
        }
    }

    private async Task<StoredSession> RenewInTurnAsync(StoredSession known, string? resource, Func<HeldToken, bool> isGood)
    {
        if (known.RefreshToken is null) throw NoRefreshToken(known, resource);
        var asked = Now;
        StoredSession? meanwhile = null;
        async Task<bool> HasMeanwhileAsync()
        {
            if (await CurrentAsync(known, unsent) is not { } found || !Has(found, resource, isGood)) return false;
            meanwhile = found;
            return true;
        }
        AuthorizationServer? server = null;
        try
        {
            // Before the lock too: where the network swallows packets, programs wait for it side by side, and not each for those before it.
            if (Left(known) is null) server = await ServerAsync(known);
        }
        catch (ClientException) when (!unsent.IsCancellationRequested)
        {
            if (!await HasMeanwhileAsync()) throw;
        }
        var waited = false;
        using var held = await client.Vault.LockUnlessAsync(() =>
        {
            waited = true;
            return HasMeanwhileAsync();
        }, unsent);
        // What was found is what is taken: in the moment in which the file gets its place, another look without the lock may see the one before it.
        if (held is null) return meanwhile!;
        var current = await FoundAsync(known);
        if (Has(current, resource, isGood)) return current;
        if (waited && TimedOutSince(current, asked)) throw TimedOutElsewhere();
        return await RenewAsync(current, server, resource, isGood);
    }

    private DateTimeOffset Now => _options.TimeProvider.GetUtcNow();

    // What the one before us waited for in vain while we waited for it, we would wait for in vain too.
    private bool TimedOutSince(StoredSession current, DateTimeOffset asked) =>
        current is { WasInterrupted: true, Renewing.At: var sent } && sent > asked - _options.RequestTimeout && Now - sent >= 0.9 * _options.RequestTimeout;

    private AuthorizationServerUnavailableException TimedOutElsewhere() => new(
        "timeout", "an answer as the token answer", $"another program that asked for the same got none within {_options.RequestTimeout.TotalSeconds:0.#} seconds", "Try again later.");

    // The keys come first: once it was sent, a refresh token is spent, whatever becomes of the answer.
    private async Task<AuthorizationServer> ServerAsync(StoredSession current)
    {
        var server = await client.Discovery.GetAsync(unsent);
        if (current.Claims is not null) await client.Keys.GetAsync(server.Keys!, again: false, unsent);
        return server;
    }

    // Another sign-in under the same profile may be another person's.
    private async Task<StoredSession?> CurrentAsync(StoredSession known, CancellationToken cancel) =>
        await client.Vault.FindAsync(_options, cancel) is { } found && found.Id == known.Id ? found : null;

    private async Task<StoredSession> FoundAsync(StoredSession known) =>
        await CurrentAsync(known, unsent) ?? throw Gone(known);

    // What the server said to one program is what all others that have the session are told.
    private SignInRequiredException Gone(StoredSession known) => client.Vault.Interrupted == known.Id
        ? new SignInRequiredException(SignInRequiredReason.SessionEnded, wasInterrupted: true)
        : new SignInRequiredException(SignInRequiredReason.SignedOut);

    private async Task<StoredSession> RenewAsync(StoredSession current, AuthorizationServer? server, string? resource, Func<HeldToken, bool> isGood)
    {
        if (current.RefreshToken is not { } refreshToken) throw NoRefreshToken(current, resource);
        var left = Left(current);
        server ??= left is null ? await ServerAsync(current) : null;
        var (fresh, error) = left is null ? await SendAsync(current, server!, refreshToken, resource) : (left, null);
        if (fresh is null) return await RefusedAsync(current, server!, error!, resource);
        await KeepAsync(refreshToken, fresh);
        if (fresh.TokenFor(resource) is { } token && token != current.TokenFor(resource)) _options.Emit(new ClientEvent.TokensRefreshed(token.ExpiresAt));
        return left is null || Has(fresh, resource, isGood) ? fresh : await RenewAsync(fresh, server, resource, isGood);
    }

    private StoredSession? Left(StoredSession stored) => _unsaved is { } unsaved && unsaved.Spent == stored.RefreshToken ? unsaved.Fresh : null;

    // While its first token lasts, the session has not ended.
    private SignInRequiredException NoRefreshToken(StoredSession current, string? resource) => current.TokenFor(resource) is null && Now < current.ExpiresAt
        ? new SignInRequiredException(
            SignInRequiredReason.NoRefreshToken,
            $"a refresh token to get a token for {resource} with",
            "the server gave none at the sign-in",
            "Ask for offline_access, or see to it that the client may have refresh tokens; or sign in for that API alone.")
        : new SignInRequiredException(SignInRequiredReason.SessionEnded);

    private async Task KeepAsync(string spent, StoredSession fresh)
    {
        _unsaved = new Unsaved(spent, fresh);
        await SaveAsync(fresh);
        _unsaved = null;
    }

    // Somebody who does not keep to our lock may have signed in anew or out meanwhile, and that stands.
    private async Task SaveAsync(StoredSession session)
    {
        if ((await client.Vault.ReadAsync(CancellationToken.None))?.Id != session.Id)
        {
            _unsaved = null;
            throw new SignInRequiredException(SignInRequiredReason.SignedOut);
        }
        await client.Vault.SaveAsync(session, CancellationToken.None);
    }

    private async Task<(StoredSession? Fresh, OAuthError? Error)> SendAsync(StoredSession current, AuthorizationServer server, string refreshToken, string? resource)
    {
        var (granted, error) = await SendMarkedAsync(current, server, refreshToken, resource ?? current.Resource);
        if (granted is not { } answer) return (null, error);
        var next = TokenEndpoint.NewRefreshToken(answer);
        try
        {
            return (await CheckedAsync(current, server, answer, resource), null);
        }
        catch
        {
            // The access token is withheld, whatever went wrong, but to send a spent token again would end the session (RFC 9700 section 4.14.2).
            await KeepAsync(refreshToken, current with { RefreshToken = next ?? refreshToken, Renewing = null });
            throw;
        }
    }

    // The mark is on the disk before the token is on the wire: whatever happens in between, the next one to look knows that it may be spent.
    private async Task<(JsonElement? Granted, OAuthError? Error)> SendMarkedAsync(StoredSession current, AuthorizationServer server, string refreshToken, string? resource)
    {
        // From here on it is too late to give up.
        unsent.ThrowIfCancellationRequested();
        await SaveAsync(current with { Renewing = RenewalMark.Of(refreshToken, Now) });
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

    // What an earlier attempt left comes back: it is still unknown what became of that one.
    private async Task UnmarkAsync(StoredSession current)
    {
        if (await CurrentAsync(current, CancellationToken.None) is { } marked && marked.RefreshToken == current.RefreshToken)
            await SaveAsync(current.WasInterrupted ? current : current with { Renewing = null });
    }

    private async Task<StoredSession> CheckedAsync(StoredSession current, AuthorizationServer server, JsonElement answer, string? resource)
    {
        var tokens = client.TokenEndpoint.Read(answer, current.DpopKey is not null);
        if (tokens.IdToken is { } idToken && current.Claims is { } original)
        {
            var context = new IdTokenContext(null, original, tokens.AccessToken, client.Backchannel.ServerClock);
            await IdToken.ValidateAsync(idToken, server, client.Keys, _options, context, CancellationToken.None);
        }
        return current.With(tokens, resource, Now);
    }

    // RFC 6749 section 5.2: invalid_grant alone says that the refresh token is no longer good; nothing else ends a session.
    private async Task<StoredSession> RefusedAsync(StoredSession sent, AuthorizationServer server, OAuthError error, string? resource)
    {
        if (error.Code != "invalid_grant") throw Refused(error);
        var found = await client.Vault.ReadAsync(CancellationToken.None);
        // Somebody who does not keep to our lock may have rotated it meanwhile, or signed in anew: neither was refused.
        if (found?.Id == sent.Id && found.RefreshToken != sent.RefreshToken) return found;
        if (found is not null && found.Id != sent.Id) throw new SignInRequiredException(SignInRequiredReason.SignedOut);
        if (resource is not null && resource != sent.Resource)
        {
            // Some say so of an API that was not granted, where RFC 8707 section 2 has invalid_target: whether the token is good shows with the first one.
            await RenewAsync(sent, server, null, _ => true);
            throw Refused(error);
        }
        if (sent.WasInterrupted) client.Vault.RemoveInterrupted(sent);
        else await client.Vault.RemoveAsync(CancellationToken.None);
        throw new SignInRequiredException(SignInRequiredReason.SessionEnded, error, wasInterrupted: sent.WasInterrupted);
    }

    private SignInRequiredException Refused(OAuthError error) => new(SignInRequiredReason.Refused, error, remedy: KnownProviders.RemedyOf(_options.Issuer, error));
}
