namespace ProofKey.Client;

/// <summary>Makes a session of the tokens that a sign-in ended with, once everything about them was checked.</summary>
internal static class NewSession
{
    /// <summary>Checks the ID token and stores the session.</summary>
    /// <param name="client">Whose session it is.</param>
    /// <param name="server">Who gave the tokens.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="dpopKey">The key that they are bound to, if they are.</param>
    /// <param name="request">The request, where it went through a browser.</param>
    /// <param name="stepUp">What an API asked of the sign-in.</param>
    /// <param name="silentAt">Where the answer came in, if it named no issuer.</param>
    /// <param name="cancel">Ends the check; what was checked is stored.</param>
    /// <exception cref="ProtocolViolationException">The ID token is missing or not good.</exception>
    public static async Task<Session> StoreAsync(PublicClient client, AuthorizationServer server, Tokens tokens, string? dpopKey, AuthorizationRequest? request, StepUp? stepUp, string? silentAt, CancellationToken cancel)
    {
        var options = client.Options;
        var identity = options.Scope.Contains(Scope.OpenId) ? await IdentityAsync(client, server, tokens, request, stepUp, cancel) : null;
        var stored = new StoredSession
        {
            Id = Secret.NewText(16),
            Profile = options.Profile,
            Issuer = options.Issuer.Value,
            ClientId = options.ClientId,
            AskedScope = options.Scope.ToString(),
            Resource = options.Resource,
            FurtherResources = options.FurtherResources is { Count: > 0 } further ? further : null,
            GrantedScope = (tokens.Scope ?? options.Scope).ToString(),
            Claims = identity?.Claims,
            AccessToken = tokens.AccessToken,
            ObtainedAt = options.TimeProvider.GetUtcNow(),
            ExpiresAt = tokens.ExpiresAt,
            RefreshToken = tokens.RefreshToken,
            DpopKey = dpopKey,
            SilentAt = silentAt,
        };
        await StoreAsync(client, stored);
        return new Session(client, stored);
    }

    // Too late to give up: the server has signed the person in, and nobody else has these tokens.
    private static async Task StoreAsync(PublicClient client, StoredSession stored)
    {
        using var held = await client.Vault.LockAsync(CancellationToken.None);
        var former = await client.Vault.ReadAsync(CancellationToken.None);
        await client.Vault.SaveAsync(stored, CancellationToken.None);
        client.Vault.ForgetInterruption();
        if (former is not null && !former.IsFor(client.Options)) client.Options.Emit(new ClientEvent.SessionReplaced(former.Issuer, former.ClientId));
    }

    // OpenID Connect Core section 3.1.3.3: who asked for openid gets an ID token
    private static async Task<IdToken> IdentityAsync(PublicClient client, AuthorizationServer server, Tokens tokens, AuthorizationRequest? request, StepUp? stepUp, CancellationToken cancel)
    {
        if (tokens.IdToken is not { } text) throw new ProtocolViolationException("id_token_missing", "an ID token, since openid was asked for", "there is none");
        return await IdToken.ValidateAsync(text, server, client.Keys, client.Options, new IdTokenContext(request?.Nonce, null, tokens.AccessToken, client.Backchannel.ServerClock) { AskedAt = request?.MadeAt, StepUp = stepUp }, cancel);
    }
}
