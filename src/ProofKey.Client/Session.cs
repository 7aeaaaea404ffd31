using System.Text.Json;

namespace ProofKey.Client;

/// <summary>An access token. It prints as <c>[access_token]</c>; the one way to its value is <see cref="Reveal"/>.</summary>
public sealed class AccessToken
{
    private readonly string _value;

    internal AccessToken(string value, DateTimeOffset expiresAt)
    {
        _value = value;
        ExpiresAt = expiresAt;
    }

    /// <summary>When it ends, by this machine's clock.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>The token itself, for an <c>Authorization: Bearer</c> header to its API and nowhere else.</summary>
    /// <returns>Visible ASCII.</returns>
    public string Reveal() => _value;

    /// <inheritdoc />
    public override string ToString() => "[access_token]";
}

/// <summary>How a sign-out went. What this program knew of the session is gone in any case.</summary>
/// <param name="Revoked">Whether the server took back its tokens (RFC 7009); otherwise they end by themselves.</param>
/// <param name="Problem">Why the server did not, as a sentence; <see langword="null"/> when it did or there was nothing to revoke.</param>
public sealed record SignOutResult(bool Revoked, string? Problem);

/// <summary>
/// A person's session: who signed in, and access tokens for as long as the server lets it go on. It is safe to use from many threads;
/// parallel calls share one refresh, and so do processes that share a store.
/// </summary>
public sealed class Session
{
    /// <summary>How long an access token must last at least, where nothing else is said.</summary>
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

    /// <summary>Whether there is a refresh token.</summary>
    public bool CanRefresh => Stored.RefreshToken is not null;

    internal StoredSession Stored => Volatile.Read(ref _stored);

    /// <summary>Gives an access token that lasts for some time, refreshed if need be. New tokens are stored before they are given.</summary>
    /// <param name="minValid">
    /// How long it must last at least. More than the server gives cannot be had: what comes then is the best there is. Default: 60 seconds, and
    /// a token near the end of its life is renewed ahead of time, at a moment that differs from program to program.
    /// </param>
    /// <param name="cancel">Ends this call; a refresh that others wait for too goes on.</param>
    /// <returns>The token.</returns>
    /// <exception cref="SignInRequiredException">The session has ended, or was signed out.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached and the token has ended; the session is kept.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol; the session is kept.</exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written; the session is kept.</exception>
    public async Task<AccessToken> GetAccessTokenAsync(TimeSpan? minValid = null, CancellationToken cancel = default)
    {
        var stored = Stored;
        ThrowIfSignedOut();
        if (!stored.Lasts(minValid ?? DefaultMinValid, Now)) stored = await FreshOrStillGoodAsync(stored, minValid ?? DefaultMinValid, cancel);
        else if (minValid is null && CanRefresh && IsDue(stored)) stored = Known(await _client.Refresh.TryAsync(stored, current => !IsDue(current), cancel));
        return new AccessToken(stored.AccessToken, stored.ExpiresAt);
    }

    /// <summary>Asks the server about the person (OpenID Connect Core section 5.3).</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The claims. Their <c>sub</c> is the session's; anything else is thrown away.</returns>
    /// <exception cref="ProtocolViolationException">The answer is about somebody else, or not an answer, or the server has no such endpoint.</exception>
    /// <exception cref="SignInRequiredException">The session has ended.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached.</exception>
    public Task<JsonElement> GetUserInfoAsync(CancellationToken cancel = default) => _client.UserInfo.GetAsync(this, cancel);

    /// <summary>
    /// Makes an HTTP client that sends the access token to one origin and to no other. It refreshes the token when needed, follows
    /// redirects of GET and HEAD requests, and leaves the token behind when one of them leads elsewhere.
    /// </summary>
    /// <param name="onlyFor">The API's address, https or loopback; also the base address of the client.</param>
    /// <returns>The client, to be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The address is not absolute, or neither https nor loopback.</exception>
    public HttpClient CreateHttpClient(Uri onlyFor) => new(TokenHandler.For(this, onlyFor, _client.Options.HttpMessageHandler)) { BaseAddress = onlyFor };

    /// <summary>
    /// Ends the session: the server is asked to revoke its tokens, and what is stored here is deleted even when the server is away.
    /// </summary>
    /// <param name="cancel">Ends the call; before the deletion it leaves the session as it was.</param>
    /// <returns>Whether the server revoked the tokens.</returns>
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

    /// <summary>
    /// Whether an API that does not take a token may be shown another one. A token that has just come does not become better by a successor: where an
    /// API takes none, each call would cost a renewal.
    /// </summary>
    internal bool CanReplace(AccessToken refused) => CanRefresh && !(Stored.AccessToken == refused.Reveal() && Stored.IsNew(Now));

    /// <summary>Another token than the one that an API did not take.</summary>
    internal async Task<AccessToken> ReplaceAsync(AccessToken refused, CancellationToken cancel)
    {
        var stored = Stored;
        if (stored.AccessToken == refused.Reveal()) stored = await RefreshAsync(current => current.AccessToken != refused.Reveal(), cancel);
        return new AccessToken(stored.AccessToken, stored.ExpiresAt);
    }

    private DateTimeOffset Now => _client.Options.TimeProvider.GetUtcNow();

    private void ThrowIfSignedOut()
    {
        lock (_lock)
            if (_signedOut) throw new SignInRequiredException(SignInRequiredReason.SignedOut);
    }

    // A token that has not ended yet is better than none while the server is away or refuses or the store is locked, or where there is no refresh token.
    private async Task<StoredSession> FreshOrStillGoodAsync(StoredSession stored, TimeSpan minValid, CancellationToken cancel)
    {
        var stillGood = Now < stored.ExpiresAt;
        if (stored.RefreshToken is null && stillGood) return stored;
        try
        {
            return await RefreshAsync(current => current.Lasts(minValid, Now), cancel);
        }
        catch (ClientException failed) when (stillGood && failed is AuthorizationServerUnavailableException or TokenStoreException { State: TokenStoreState.Locked } or SignInRequiredException { Reason: SignInRequiredReason.Refused })
        {
            return stored;
        }
    }

    private async Task<StoredSession> RefreshAsync(Func<StoredSession, bool> isGood, CancellationToken cancel)
    {
        var stored = Stored;
        return isGood(stored) ? stored : Known(await _client.Refresh.RunAsync(stored, isGood, cancel));
    }

    private bool IsDue(StoredSession session) => session.IsPast(_client.Refresh.RenewsAfter, Now);

    private StoredSession Known(StoredSession fresh)
    {
        Volatile.Write(ref _stored, fresh);
        return fresh;
    }
}
