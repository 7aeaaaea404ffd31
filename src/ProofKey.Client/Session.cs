using System.Text.Json;

namespace ProofKey.Client;

/// <summary>How a sign-out went. What this program knew of the session is gone in any case.</summary>
/// <param name="Revoked">Whether the server took back its tokens (RFC 7009); otherwise they end by themselves.</param>
/// <param name="Problem">Why the server did not, as a sentence; <see langword="null"/> when it did or there was nothing to revoke.</param>
/// <param name="EndSessionUri">
/// Where the person ends the server's own session in a browser, which goes on: it signs the same person in again without a question (OpenID Connect RP-Initiated Logout section 2). Show it, or open it in the
/// system's browser; nothing here does. It names the client and holds no token, so the server asks the person. <see langword="null"/> where the server has no such place, or could not be asked for it.
/// </param>
public sealed record SignOutResult(bool Revoked, string? Problem, Uri? EndSessionUri = null);

/// <summary>
/// A person's session: who signed in, and access tokens for as long as the server lets it go on. It is safe to use from many threads;
/// parallel calls share one refresh, and so do processes that share a store.
/// </summary>
public sealed class Session
{
    /// <summary>
    /// How long an access token must last at least, where nothing else is said. Of one that is given for less than ten minutes a tenth of its life is enough, and five seconds at least: else it would be
    /// renewed at each call.
    /// </summary>
    public static readonly TimeSpan DefaultMinValid = TimeSpan.FromSeconds(60);

    private readonly PublicClient _client;
    private readonly Lock _lock = new();
    private StoredSession _stored;
    private bool _signedOut;

    internal Session(PublicClient client, StoredSession stored)
    {
        _client = client;
        _stored = stored;
    }

    /// <summary>The authorization server.</summary>
    public Issuer Issuer => _client.Options.Issuer;

    /// <summary>The client that the session belongs to.</summary>
    public string ClientId => _client.Options.ClientId;

    /// <summary>Who signed in: the ID token's <c>sub</c>, unique at this issuer. <see langword="null"/> when <c>openid</c> was not asked for.</summary>
    public string? Subject => Stored.Subject;

    /// <summary>All claims of the checked ID token; of kind <see cref="JsonValueKind.Undefined"/> when <c>openid</c> was not asked for.</summary>
    public JsonElement Claims => Stored.Claims ?? default;

    /// <summary>The scope that was granted, which may be less or more than was asked for (RFC 6749 section 3.3).</summary>
    public Scope Scope => Scope.TryParseGranted(Stored.GrantedScope, out var granted) ? granted : Scope.None;

    /// <summary>When the current access token ends, by this machine's clock. A session with a refresh token goes on.</summary>
    public DateTimeOffset ExpiresAt => Stored.ExpiresAt;

    /// <summary>Whether its tokens are bound to a key of the session, so that nobody else can use them (RFC 9449).</summary>
    public bool IsBound => Stored.DpopKey is not null;

    /// <summary>Whether there is a refresh token.</summary>
    public bool CanRefresh => Stored.RefreshToken is not null;

    internal StoredSession Stored => Volatile.Read(ref _stored);

    /// <summary>Gives an access token that lasts for some time, refreshed if need be. New tokens are stored before they are given.</summary>
    /// <param name="minValid">
    /// How long it must last at least. More than the server gives cannot be had: what comes then is the best there is, and so it is while the server is away. Default:
    /// <see cref="DefaultMinValid"/>, and a token near the end of its life is renewed ahead of time, at a moment that differs from program to program.
    /// </param>
    /// <param name="cancel">Ends this call; a refresh that others wait for too goes on.</param>
    /// <returns>The token.</returns>
    /// <exception cref="SignInRequiredException">The session has ended, or was signed out.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached and the token has ended; the session is kept.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol; the session is kept.</exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written; the session is kept.</exception>
    public Task<AccessToken> GetAccessTokenAsync(TimeSpan? minValid = null, CancellationToken cancel = default) => TokenAsync(null, minValid, cancel);

    /// <summary>
    /// Gives an access token for one of the APIs that the sign-in is for (RFC 8707 section 2.2), as the other overload does. The first one for each of
    /// <see cref="ClientOptions.FurtherResources"/> is fetched with the refresh token when it is asked for; it is kept with the session.
    /// </summary>
    /// <param name="resource">The API, written as in the options.</param>
    /// <param name="minValid">How long it must last at least; default <see cref="DefaultMinValid"/>, as in the other overload.</param>
    /// <param name="cancel">Ends this call; a refresh that others wait for too goes on.</param>
    /// <returns>The token.</returns>
    /// <exception cref="ArgumentException">The sign-in is not for that API.</exception>
    /// <exception cref="SignInRequiredException">The session has ended, was signed out, or has no refresh token to get one with (<see cref="SignInRequiredReason.NoRefreshToken"/>); or the server refuses, such as with <c>invalid_target</c>.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached and the token has ended; the session is kept.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol; the session is kept.</exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written; the session is kept.</exception>
    public Task<AccessToken> GetAccessTokenAsync(string resource, TimeSpan? minValid = null, CancellationToken cancel = default) => TokenAsync(Checked(resource), minValid, cancel);

    /// <summary>Asks the server about the person (OpenID Connect Core section 5.3).</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The claims. Their <c>sub</c> is the session's; anything else is thrown away.</returns>
    /// <exception cref="ProtocolViolationException">The answer is about somebody else, or not an answer, or the server has no such endpoint.</exception>
    /// <exception cref="SignInRequiredException">The session has ended, or was signed out.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached.</exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written, where the token has to be renewed first; the session is kept.</exception>
    public Task<JsonElement> GetUserInfoAsync(CancellationToken cancel = default) => _client.UserInfo.GetAsync(this, mayRenew: true, cancel);

    /// <summary>
    /// Makes an HTTP client that sends the access token to one origin and to no other. It refreshes the token when needed, follows
    /// redirects of GET and HEAD requests, and leaves the token behind when one of them leads elsewhere. Its calls throw <see cref="SignInRequiredException"/> where the session has ended, and
    /// where the API asks for a better sign-in (<see cref="SignInRequiredReason.StepUp"/>) or a wider scope (<see cref="SignInRequiredReason.InsufficientScope"/>).
    /// </summary>
    /// <param name="onlyFor">The API's address, https or loopback; also the base address of the client.</param>
    /// <returns>The client, to be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The address is not absolute, or neither https nor loopback.</exception>
    public HttpClient CreateHttpClient(Uri onlyFor) => new(TokenHandler.For(this, onlyFor, null, _client.Options.HttpMessageHandler)) { BaseAddress = onlyFor };

    /// <summary>The same for one of several APIs that the sign-in is for: the token that is sent is the one of that API.</summary>
    /// <param name="onlyFor">The API's address, https or loopback; also the base address of the client.</param>
    /// <param name="resource">Its name as in <see cref="ClientOptions.Resource"/> or <see cref="ClientOptions.FurtherResources"/>.</param>
    /// <returns>The client, to be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The address is not absolute, or neither https nor loopback; or the sign-in is not for that API.</exception>
    public HttpClient CreateHttpClient(Uri onlyFor, string resource) => new(TokenHandler.For(this, onlyFor, Checked(resource), _client.Options.HttpMessageHandler)) { BaseAddress = onlyFor };

    /// <summary>
    /// Ends the session: the server is asked to revoke its tokens, and what is stored here is deleted even when the server is away. The server's own session in the person's browser
    /// goes on, until they end it at <see cref="SignOutResult.EndSessionUri"/>.
    /// </summary>
    /// <param name="cancel">Ends the call; before the deletion it leaves the session as it was.</param>
    /// <returns>Whether the server revoked the tokens, and where its own session is ended.</returns>
    /// <exception cref="TokenStoreException">The store cannot be changed.</exception>
    public async Task<SignOutResult> SignOutAsync(CancellationToken cancel = default)
    {
        var result = await _client.SignOut.RunAsync(this, cancel);
        lock (_lock) _signedOut = true;
        return result;
    }

    /// <summary>Names the client and the server alone.</summary>
    /// <returns>A text without secrets.</returns>
    public override string ToString() => $"{ClientId} at {Issuer}";

    internal ClientOptions Options => _client.Options;

    internal Proofs Proofs => _client.Backchannel.Proofs;

    /// <summary>
    /// Whether an API that does not take a token may be shown another one. A token that has just come does not become better by a successor: where an
    /// API takes none, each call would cost a renewal.
    /// </summary>
    internal bool CanReplace(AccessToken refused, string? resource) =>
        CanRefresh && !(Stored.TokenFor(resource) is { } held && held.AccessToken == refused.Reveal() && held.IsNew(Now));

    /// <summary>The token for an API; <see langword="null"/> is the first one.</summary>
    internal async Task<AccessToken> TokenAsync(string? resource, TimeSpan? minValid, CancellationToken cancel)
    {
        var stored = Stored;
        ThrowIfSignedOut();
        var held = stored.TokenFor(resource);
        if (held?.Lasts(minValid, Now) != true) stored = await FreshOrStillGoodAsync(stored, resource, minValid, cancel);
        else if (minValid is null && CanRefresh && IsDue(held)) stored = await RenewedOrSameAsync(stored, resource, cancel);
        return Token(stored, resource);
    }

    /// <summary>Another token than the one that an API did not take.</summary>
    internal async Task<AccessToken> ReplaceAsync(AccessToken refused, string? resource, CancellationToken cancel) =>
        Token(await RefreshAsync(resource, current => current.AccessToken != refused.Reveal(), cancel), resource);

    private DateTimeOffset Now => _client.Options.TimeProvider.GetUtcNow();

    private static AccessToken Token(StoredSession stored, string? resource)
    {
        var held = stored.TokenFor(resource)!;
        return new AccessToken(held.AccessToken, held.ExpiresAt, stored.DpopKey);
    }

    /// <summary>The API, if the sign-in is for it.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    internal string Checked(string resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return _client.Options.Resources.Contains(resource) ? resource : throw new ArgumentException("The sign-in is not for this API: name it in Resource or FurtherResources, as it is written there.", nameof(resource));
    }

    private void ThrowIfSignedOut()
    {
        lock (_lock)
            if (_signedOut) throw new SignInRequiredException(SignInRequiredReason.SignedOut);
    }

    // A token that has not ended yet is better than none while the server is away or refuses, the store is locked or the client disposed, or where there is no refresh token.
    private async Task<StoredSession> FreshOrStillGoodAsync(StoredSession stored, string? resource, TimeSpan? minValid, CancellationToken cancel)
    {
        // Asked after the wait too: the token may have ended meanwhile.
        bool IsStillGood() => stored.TokenFor(resource) is { } held && Now < held.ExpiresAt;
        if (stored.RefreshToken is null && IsStillGood()) return stored;
        try
        {
            return await RefreshAsync(resource, current => current.Lasts(minValid, Now), cancel);
        }
        catch (ClientException failed) when (failed is AuthorizationServerUnavailableException or TokenStoreException { State: TokenStoreState.Locked } or SignInRequiredException { Reason: SignInRequiredReason.Refused } && IsStillGood())
        {
            return stored;
        }
        catch (ObjectDisposedException) when (IsStillGood())
        {
            return stored;
        }
    }

    // What is handed back as it was may be older than what another call has learned meanwhile.
    private async Task<StoredSession> RenewedOrSameAsync(StoredSession stored, string? resource, CancellationToken cancel)
    {
        var fresh = await _client.Refresh.TryAsync(stored, resource, current => !IsDue(current), cancel);
        return ReferenceEquals(fresh, stored) ? stored : Known(fresh);
    }

    private async Task<StoredSession> RefreshAsync(string? resource, Func<HeldToken, bool> isGood, CancellationToken cancel)
    {
        var stored = Stored;
        return stored.TokenFor(resource) is { } held && isGood(held) ? stored : Known(await _client.Refresh.RunAsync(stored, resource, isGood, cancel));
    }

    private bool IsDue(HeldToken token) => token.IsPast(_client.Refresh.RenewsAfter, Now);

    private StoredSession Known(StoredSession fresh)
    {
        Volatile.Write(ref _stored, fresh);
        return fresh;
    }
}
