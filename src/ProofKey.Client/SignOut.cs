namespace ProofKey.Client;

/// <summary>Ends a session at the server as far as it can be reached (RFC 7009), and here in any case.</summary>
internal sealed class SignOut(PublicClient client)
{
    private const string RefreshToken = "refresh_token";
    private const string AccessToken = "access_token";

    // How long a person waits for what comes after the refresh token, which ends the session.
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(5);

    public async Task<SignOutResult> RunAsync(Session session, CancellationToken cancel)
    {
        var options = client.Options;
        // Before the lock: whoever wants it would wait for a server that is away.
        var (server, away) = await ServerAsync(cancel);
        var (stored, result) = await EndAsync(session, server, away, cancel);
        if (result.Revoked && stored.RefreshToken is not null) await RevokeAccessTokensAsync(server!.Revocation!, stored, cancel);
        options.Emit(new ClientEvent.SignedOut(result.Revoked));
        return result with { EndSessionUri = AddressAt(server) };
    }

    /// <summary>Where the server's own session is ended in a browser, also when there is none here any more.</summary>
    public async Task<Uri?> EndSessionUriAsync(CancellationToken cancel) => AddressAt((await ServerAsync(cancel)).Server);

    private Uri? AddressAt(AuthorizationServer? server) => server?.EndSession is { } endpoint ? EndSession.AddressAt(endpoint, client.Options.ClientId) : null;

    private async Task<(AuthorizationServer? Server, ClientException? Away)> ServerAsync(CancellationToken cancel)
    {
        try
        {
            return (await client.Discovery.GetAsync(cancel), null);
        }
        catch (ClientException away)
        {
            return (null, away);
        }
    }

    private async Task<(StoredSession Stored, SignOutResult Result)> EndAsync(Session session, AuthorizationServer? server, ClientException? away, CancellationToken cancel)
    {
        using var held = await client.Vault.LockAsync(cancel);
        var found = await client.Vault.FindAsync(client.Options, cancel);
        // Its predecessor is spent where the disk was full, and ends nothing.
        var stored = client.Refresh.Newest(found?.Id == session.Stored.Id ? found : session.Stored);
        var result = server is null ? NotRevoked(away!) : await RevokeAsync(server, stored, cancel);
        if (found?.Id == stored.Id) await client.Vault.RemoveAsync(CancellationToken.None);
        else if (found is null) client.Vault.ForgetInterruption();
        return (stored, result);
    }

    private async Task<SignOutResult> RevokeAsync(AuthorizationServer server, StoredSession stored, CancellationToken cancel)
    {
        try
        {
            if (server.Revocation is null) return new SignOutResult(false, "The server offers no revocation; its tokens end by themselves.");
            // RFC 7009 section 2.1: the refresh token first, since it ends the whole grant
            var answer = stored.RefreshToken is { } refresh
                ? await PostAsync(server.Revocation, stored, RefreshToken, refresh, cancel)
                : await PostAsync(server.Revocation, stored, AccessToken, stored.AccessToken, cancel);
            return answer.IsSuccess ? new SignOutResult(true, null) : new SignOutResult(false, $"The server answered the revocation with {(int)answer.Status}; the tokens end by themselves.");
        }
        catch (ClientException failed)
        {
            return NotRevoked(failed);
        }
    }

    // Not its whole message: there is nothing left to try again with.
    private static SignOutResult NotRevoked(ClientException away) => new(false, $"The tokens were not revoked, since {away.Actual}; they end by themselves.");

    // RFC 7009 section 2.1: that they end with the refresh token is a SHOULD; section 2.2.1: a server may have no way to take them back
    private async Task RevokeAccessTokensAsync(Uri address, StoredSession stored, CancellationToken cancel)
    {
        var now = client.Options.TimeProvider.GetUtcNow();
        var first = new HeldToken(stored.AccessToken, stored.ObtainedAt, stored.ExpiresAt);
        var lasting = (stored.FurtherTokens?.Values ?? []).Prepend(first).Where(held => now < held.ExpiresAt);
        using var limit = new CancellationTokenSource(Courtesy, client.Options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        await ((Task)Task.WhenAll(lasting.Select(held => PostAsync(address, stored, AccessToken, held.AccessToken, either.Token)))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Task<Answer> PostAsync(Uri address, StoredSession stored, string kind, string token, CancellationToken cancel) =>
        client.Backchannel.PostAsync("the revocation", address, Parameters.Of(new("token", token), new("token_type_hint", kind), new("client_id", stored.ClientId)), cancel);
}
