using System.Text.Json;

namespace ProofKey.Client;

/// <summary>
/// One refresh, as a transaction over the store: lock, read again, decide, send, store, unlock. Whoever waits for the lock finds the new
/// tokens in the store and sends nothing.
/// </summary>
internal sealed class Refresh(PublicClient client)
{
    private readonly ClientOptions _options = client.Options;

    // Tokens that could not be stored: their predecessor is spent, so they are all that is left of the session.
    private (string Spent, StoredSession Fresh)? _unsaved;

    /// <summary>Brings a session up to date.</summary>
    /// <param name="known">The session as the caller knows it.</param>
    /// <param name="isGood">Whether a session found in the store is all that the caller wanted.</param>
    /// <returns>The session, stored.</returns>
    public async Task<StoredSession> RunAsync(StoredSession known, Func<StoredSession, bool> isGood)
    {
        using var held = await client.Store.LockUnlessAsync(() => Current(known) is { } waiting && isGood(waiting), CancellationToken.None);
        var current = Current(known) ?? throw new SignInRequiredException(SignInRequiredReason.SignedOut);
        if (isGood(current) || held is null) return current;
        try
        {
            return await RenewAsync(current, isGood);
        }
        catch (ClientException failed)
        {
            _options.Emit(new ClientEvent.RefreshFailed(failed.Code, SessionKept: failed is not SignInRequiredException { Reason: SignInRequiredReason.SessionEnded }));
            throw;
        }
    }

    // Another sign-in under the same profile may be another person's.
    private StoredSession? Current(StoredSession known) => client.Store.Find(_options) is { } found && found.Id == known.Id ? found : null;

    private async Task<StoredSession> RenewAsync(StoredSession current, Func<StoredSession, bool> isGood)
    {
        if (current.RefreshToken is not { } refreshToken) throw new SignInRequiredException(SignInRequiredReason.SessionEnded);
        var left = _unsaved?.Spent == refreshToken ? _unsaved?.Fresh : null;
        var (fresh, error) = left is null ? await SendAsync(current, refreshToken) : (left, null);
        if (fresh is null) return Refused(current, error!);
        Keep(refreshToken, fresh);
        if (fresh.AccessToken != current.AccessToken) _options.Emit(new ClientEvent.TokensRefreshed(fresh.ExpiresAt));
        return left is null || isGood(fresh) ? fresh : await RenewAsync(fresh, isGood);
    }

    private void Keep(string spent, StoredSession fresh)
    {
        _unsaved = (spent, fresh);
        client.Store.Save(fresh);
        _unsaved = null;
    }

    private async Task<(StoredSession? Fresh, OAuthError? Error)> SendAsync(StoredSession current, string refreshToken)
    {
        var server = await client.Discovery.GetAsync(CancellationToken.None);
        // The keys come first: once it was sent, a refresh token is spent, whatever becomes of the answer.
        if (current.Claims is not null) await client.Keys.GetAsync(server.Keys!, again: false, CancellationToken.None);
        var (granted, error) = await client.TokenEndpoint.RefreshAsync(server, refreshToken, CancellationToken.None);
        if (granted is not { } answer) return (null, error);
        var next = TokenEndpoint.NewRefreshToken(answer);
        try
        {
            return (await CheckedAsync(current, server, answer), null);
        }
        catch (ClientException) when (next is not null)
        {
            // The access token is withheld, but to send the spent token again would end the session (RFC 9700 section 4.14.2).
            Keep(refreshToken, current with { RefreshToken = next });
            throw;
        }
    }

    private async Task<StoredSession> CheckedAsync(StoredSession current, AuthorizationServer server, JsonElement answer)
    {
        var tokens = client.TokenEndpoint.Read(answer);
        if (tokens.IdToken is { } idToken && current.Claims is { } original)
        {
            var context = new IdTokenContext(null, original, tokens.AccessToken, client.Backchannel.ServerClock);
            await IdToken.ValidateAsync(idToken, server, client.Keys, _options, context, CancellationToken.None);
        }
        return current.With(tokens, _options.TimeProvider.GetUtcNow());
    }

    // RFC 6749 section 5.2: invalid_grant alone says that the refresh token is no longer good; nothing else ends a session.
    private StoredSession Refused(StoredSession sent, OAuthError error)
    {
        if (error.Code != "invalid_grant")
            throw new SignInRequiredException(SignInRequiredReason.Refused, error);
        // A program that does not keep to our lock may have rotated it meanwhile.
        if (Current(sent) is { } other && other.RefreshToken != sent.RefreshToken) return other;
        client.Store.Remove(_options.Profile);
        throw new SignInRequiredException(SignInRequiredReason.SessionEnded, error);
    }
}
