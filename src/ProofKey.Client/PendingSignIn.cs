using ProofKey.Client.Loopback;

namespace ProofKey.Client;

/// <summary>
/// A sign-in that has begun and waits for the person. Its verifier, state and nonce serve this one attempt; a new attempt needs a new
/// <see cref="PublicClient.BeginAsync"/>.
/// </summary>
public sealed class PendingSignIn : IAsyncDisposable
{
    private readonly PublicClient _client;
    private readonly ClientOptions _options;
    private readonly AuthorizationServer _server;
    private readonly AuthorizationRequest _request;
    private readonly LoopbackListener? _listener;
    private readonly TaskCompletionSource<SignInResult> _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // Never disposed: it has no timer, and the end of a hand-over may come after DisposeAsync.
    private readonly CancellationTokenSource _stopWaiting = new();
    private int _waited;
    private int _redeemed;

    private PendingSignIn(PublicClient client, AuthorizationServer server, LoopbackListener? listener)
    {
        _client = client;
        _options = client.Options;
        _server = server;
        _listener = listener;
        _request = new AuthorizationRequest(_options, server, _options.RedirectUri?.Value ?? listener!.RedirectUri);
    }

    /// <summary>Where the person signs in. It holds the state, so show it to that person only and keep it out of logs.</summary>
    public Uri AuthorizeUri => _request.Address;

    /// <summary>Where the answer comes in, as it was sent: <c>http://127.0.0.1:{port}/callback</c>, or the program's own.</summary>
    public string RedirectUri => _request.RedirectUri;

    internal static PendingSignIn Start(PublicClient client, AuthorizationServer server)
    {
        // RFC 8252 section 7.3: the port is bound before anything tells the browser about it
        var listener = client.Options.RedirectUri is null ? LoopbackListener.Start(client.Options) : null;
        var pending = new PendingSignIn(client, server, listener);
        client.Options.Emit(new ClientEvent.SignInStarted(pending.RedirectUri));
        return pending;
    }

    /// <summary>Opens the sign-in page in the system's browser, or by <see cref="ClientOptions.OpenBrowser"/>.</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>Whether a browser seems to have opened it. If not, show <see cref="AuthorizeUri"/> to the person: the wait can go on.</returns>
    public async Task<bool> OpenBrowserAsync(CancellationToken cancel = default)
    {
        var opened = _options.OpenBrowser is { } open ? await open(AuthorizeUri, cancel) : await BrowserLauncher.OfThisSystem.OpenAsync(AuthorizeUri, cancel);
        _options.Emit(new ClientEvent.BrowserLaunched(opened));
        return opened;
    }

    /// <summary>
    /// Waits for the browser to bring the answer, redeems the code, checks everything and stores the session; then the page in the
    /// browser says how it went. Requests with another path, host or state are answered with an error and change nothing.
    /// </summary>
    /// <param name="cancel">Gives up; the port is free again before the call returns.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="InvalidOperationException">It was called before, or the program receives its callback itself.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up, or disposed the sign-in.</exception>
    /// <exception cref="TokenStoreException">The session cannot be stored.</exception>
    public async Task<SignInResult> CompleteAsync(CancellationToken cancel = default)
    {
        if (_listener is null) throw new InvalidOperationException("This program receives its callback itself: hand its address to CompleteAsync.");
        if (Interlocked.Exchange(ref _waited, 1) != 0) throw new InvalidOperationException("A sign-in is completed once; begin a new one.");
        await using var listening = _listener;
        using var limit = new CancellationTokenSource(_options.Timeout, _options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token, _stopWaiting.Token);
        Callback callback;
        try
        {
            callback = await _listener.WaitAsync(Match, linked.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            if (Volatile.Read(ref _redeemed) != 0) return await _handedOver.Task.WaitAsync(cancel);
            // Disposed: nobody will bring an answer any more.
            if (_stopWaiting.IsCancellationRequested) throw;
            return Ended(new SignInResult.Cancelled(CancelReason.TimedOut));
        }
        return TryTakeTurn() ? await AnsweredAsync(callback, cancel) : await _handedOver.Task;
    }

    /// <summary>
    /// Takes a callback that the program received itself, or that the person pasted. One with another address or state is rejected and
    /// changes nothing: the right one may still come.
    /// </summary>
    /// <param name="callback">The whole address, query included.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>How it ended; a <see cref="CompleteAsync(CancellationToken)"/> that waits at the same time ends the same way.</returns>
    /// <exception cref="InvalidOperationException">An answer was taken before.</exception>
    /// <exception cref="TokenStoreException">The session cannot be stored.</exception>
    public async Task<SignInResult> CompleteAsync(Uri callback, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (_options.ResponseMode == ResponseMode.FormPost) return Foreign("an answer by POST, as was asked for", "an address came, as in a GET");
        if (!IsRedirectUri(callback)) return Foreign($"the address {RedirectUri}", "another address came");
        if (!Parameters.TryParse(callback.Query.AsSpan().TrimStart('?'), out var parameters, out _) || Match(parameters) is not { } matched)
            return Foreign("an answer with the state of this sign-in", "its state is missing or another");
        if (!TryTakeTurn()) throw new InvalidOperationException("An answer was taken already; begin a new sign-in.");
        return await HandOverAsync(matched, cancel);
    }

    /// <summary>Gives up, if no answer was taken yet: a wait ends at once, and the port is free again. What an answer comes to stays true.</summary>
    /// <returns>A task that is done when it has happened.</returns>
    public async ValueTask DisposeAsync()
    {
        await _stopWaiting.CancelAsync();
        if (_listener is not null) await _listener.DisposeAsync();
    }

    /// <summary>Names the redirect URI alone.</summary>
    /// <returns>A text without secrets.</returns>
    public override string ToString() => $"sign-in with {RedirectUri}";

    private static SignInResult.Rejected Foreign(string expected, string actual) =>
        new(new ProtocolViolation("callback_not_ours", expected, actual, "Use the address that this very sign-in ended at, or begin a new one."));

    private Callback? Match(Parameters parameters) => Callback.TryMatch(parameters, _request, out var callback) ? callback : null;

    private bool TryTakeTurn() => Interlocked.Exchange(ref _redeemed, 1) == 0;

    // Everything before the query, compared as the parsed parts, since systems rewrite the addresses that they hand to apps.
    private bool IsRedirectUri(Uri callback) =>
        callback.IsAbsoluteUri
        && Uri.Compare(callback, new Uri(RedirectUri), UriComponents.SchemeAndServer | UriComponents.Path | UriComponents.UserInfo, UriFormat.UriEscaped, StringComparison.Ordinal) == 0;

    private async Task<SignInResult> HandOverAsync(Callback callback, CancellationToken cancel)
    {
        try
        {
            var result = Ended(await RedeemAsync(callback, cancel));
            _handedOver.TrySetResult(result);
            return result;
        }
        catch (Exception failed)
        {
            _handedOver.TrySetException(failed);
            // Often nobody waits at the listener; the caller of this method hears of it.
            _ = _handedOver.Task.Exception;
            throw;
        }
        finally
        {
            await _stopWaiting.CancelAsync();
        }
    }

    // The page tells the truth, so it comes last, whatever happens.
    private async Task<SignInResult> AnsweredAsync(Callback callback, CancellationToken cancel)
    {
        var page = CallbackPage.Failed;
        try
        {
            _options.Emit(new ClientEvent.CallbackAccepted());
            var result = Ended(await RedeemAsync(callback, cancel));
            page = CallbackPage.For(result);
            return result;
        }
        finally
        {
            await _listener!.AnswerAsync(page);
        }
    }

    private SignInResult Ended(SignInResult result)
    {
        _options.Emit(new ClientEvent.SignInEnded(result.Outcome));
        return result;
    }

    private async Task<SignInResult> RedeemAsync(Callback callback, CancellationToken cancel)
    {
        try
        {
            var (code, refused) = callback.Read(_options.Issuer, _server.NamesItself);
            if (refused is not null) return ResultOf(refused);
            var (tokens, error) = await _client.TokenEndpoint.RedeemAsync(_server, code!, RedirectUri, _request.Verifier, cancel);
            return tokens is null ? new SignInResult.Refused(error!) : await StoreAsync(tokens, cancel);
        }
        catch (ProtocolViolationException violation)
        {
            return new SignInResult.Rejected(violation.Violation);
        }
        catch (AuthorizationServerUnavailableException unavailable)
        {
            return new SignInResult.Unavailable(unavailable.Retryable, unavailable);
        }
    }

    // RFC 6749 section 4.1.2.1
    private static SignInResult ResultOf(OAuthError error) => error.Code switch
    {
        "access_denied" => new SignInResult.Cancelled(CancelReason.UserDenied),
        "server_error" or "temporarily_unavailable" => new SignInResult.Unavailable(true, new AuthorizationServerUnavailableException(
            error.Code, "a code", $"the server said {error.Code}", "Try again later.")),
        _ => new SignInResult.Refused(error),
    };

    private async Task<SignInResult> StoreAsync(Tokens tokens, CancellationToken cancel)
    {
        var identity = _request.Nonce is { } nonce ? await IdentityAsync(tokens, nonce, cancel) : null;
        var stored = new StoredSession
        {
            Id = Secret.NewText(16),
            Profile = _options.Profile,
            Issuer = _options.Issuer.Value,
            ClientId = _options.ClientId,
            AskedScope = _options.Scope.ToString(),
            Resource = _options.Resource,
            GrantedScope = (tokens.Scope ?? _options.Scope).ToString(),
            Claims = identity?.Claims,
            AccessToken = tokens.AccessToken,
            ObtainedAt = _options.TimeProvider.GetUtcNow(),
            ExpiresAt = tokens.ExpiresAt,
            RefreshToken = tokens.RefreshToken,
        };
        using (await _client.Vault.LockAsync(cancel)) await _client.Vault.SaveAsync(stored, cancel);
        return new SignInResult.SignedIn(new Session(_client, stored));
    }

    // OpenID Connect Core section 3.1.3.3: who asked for openid gets an ID token
    private async Task<IdToken> IdentityAsync(Tokens tokens, string nonce, CancellationToken cancel)
    {
        if (tokens.IdToken is not { } text) throw new ProtocolViolationException("id_token_missing", "an ID token, since openid was asked for", "there is none");
        return await IdToken.ValidateAsync(text, _server, _client.Keys, _options, new IdTokenContext(nonce, null, tokens.AccessToken), cancel);
    }
}
