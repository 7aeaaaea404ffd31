using ProofKey.Client.Loopback;

namespace ProofKey.Client;

/// <summary>
/// A sign-in that has begun and waits for the person. Its verifier, state and nonce serve this one attempt; a new attempt needs a new
/// <see cref="PublicClient.BeginAsync(SignInRoad, CancellationToken)"/>.
/// </summary>
public sealed class PendingSignIn : IAsyncDisposable
{
    private static readonly TimeSpan NameTimeout = TimeSpan.FromSeconds(2);

    private readonly PublicClient _client;
    private readonly ClientOptions _options;
    private readonly SignInServer _server;
    private readonly LoopbackListener? _listener;
    private readonly SignInTurn _turn;
    private readonly string? _dpopKey;
    private readonly StepUp? _stepUp;
    private readonly AuthorizationRequests _requests;
    private readonly SemaphoreSlim _renewal = new(1, 1);
    private AuthorizationRequest _request = null!;
    private readonly TaskCompletionSource<SignInResult> _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // Never disposed: it has no timer, and the end of a hand-over may come after DisposeAsync.
    private readonly CancellationTokenSource _stopWaiting = new();
    // Why nobody will see the address that this sign-in waits for.
    private Exception? _problem;
    private int _waited;
    private int _answered;

    private PendingSignIn(PublicClient client, SignInServer server, SignInRoad road, LoopbackListener? listener, SignInTurn turn, StepUp? stepUp)
    {
        _client = client;
        _options = client.Options;
        _server = server;
        _listener = listener;
        _turn = turn;
        Road = road;
        _dpopKey = server.Binds ? client.Backchannel.Proofs.NewKey() : null;
        _stepUp = stepUp;
        _requests = new AuthorizationRequests(client, server, _dpopKey, stepUp);
    }

    /// <summary>Which way the answer comes back: <see cref="SignInRoad.Browser"/> or <see cref="SignInRoad.Paste"/>.</summary>
    public SignInRoad Road { get; }

    /// <summary>
    /// Where the person signs in. It holds the state, or the reference of a pushed request (RFC 9126), so show it to that person only and keep
    /// it out of logs.
    /// </summary>
    public Uri AuthorizeUri => Volatile.Read(ref _request).Place.Address;

    /// <summary>
    /// Until when a browser must have come to <see cref="AuthorizeUri"/>, where the request was pushed; a page that is open by then may take longer.
    /// <see cref="RenewAuthorizeUriAsync"/> has another one afterwards.
    /// </summary>
    public DateTimeOffset? AuthorizeUriEndsAt => Volatile.Read(ref _request).Place.EndsAt;

    /// <summary>Where the answer comes in, as it was sent: <c>http://127.0.0.1:{port}/callback</c>, or the program's own.</summary>
    public string RedirectUri => Volatile.Read(ref _request).RedirectUri;

    /// <summary>
    /// The session that another process made while this one waited for its turn, since one person is asked once at a time;
    /// <see langword="null"/> if there was none. Whoever finds one needs no other.
    /// </summary>
    public Session? SignedInMeanwhile { get; private init; }

    internal static async Task<PendingSignIn> StartAsync(PublicClient client, SignInServer server, SignInRoad road, StepUp? stepUp, DateTimeOffset askedAt, SignInTurn turn, CancellationToken cancel)
    {
        // RFC 8252 section 7.3: the port is bound before anything tells the browser about it
        var listener = client.Options.Redirect is Redirect.Loopback loopback ? LoopbackListener.Start(client.Options, loopback) : null;
        var pending = new PendingSignIn(client, server, road, listener, turn, stepUp)
        {
            SignedInMeanwhile = turn.SignedInMeanwhile is { } stored && stepUp?.IsMetBy(stored, known: null, askedAt) != false ? new Session(client, stored) : null,
        };
        try
        {
            pending._request = await pending._requests.MakeAsync(client.Options.Redirect.Own?.Value ?? listener!.RedirectUri, ModeOf(client.Options, server, road), cancel);
        }
        catch
        {
            if (listener is not null) await listener.DisposeAsync();
            throw;
        }
        client.Options.Emit(new ClientEvent.SignInStarted(pending.RedirectUri));
        return pending;
    }

    /// <summary>Gives <see cref="AuthorizeUri"/> to a person who comes late: where its reference has ended, the same request is pushed once more. State and verifier stay.</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The address, good for a while.</returns>
    /// <exception cref="SignInRequiredException">The server refuses the request now.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol.</exception>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public Task<Uri> RenewAuthorizeUriAsync(CancellationToken cancel = default) => _client.Asking.WhileOpenAsync(RenewAsync, cancel);

    private async Task<Uri> RenewAsync(CancellationToken cancel)
    {
        // Who finds at the same time that it has ended gets the same address.
        await _renewal.WaitAsync(cancel);
        try
        {
            await _requests.RenewAsync(Volatile.Read(ref _request), cancel);
            return AuthorizeUri;
        }
        finally
        {
            _renewal.Release();
        }
    }

    // What is pasted is an address, so the answer must come in one.
    private static ResponseMode ModeOf(ClientOptions options, SignInServer server, SignInRoad road) => options switch
    {
        { Redirect: not Redirect.Loopback } => ResponseMode.Query,
        _ when road == SignInRoad.Paste => ResponseMode.Query,
        { ResponseMode: ResponseMode.Automatic } => server.Posts ? ResponseMode.FormPost : ResponseMode.Query,
        _ => options.ResponseMode,
    };

    /// <summary>
    /// Opens the sign-in page in the system's browser, or by <see cref="ClientOptions.OpenBrowser"/>. The address is an argument of the browser's process, which other accounts of the machine can
    /// read on most systems: where those are not to be trusted, take <see cref="SignInRoad.Paste"/>.
    /// </summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>Whether a browser seems to have opened it. If not, show <see cref="AuthorizeUri"/> to the person: the wait can go on.</returns>
    /// <exception cref="ClientException">The address had ended, and there is no other, as in <see cref="RenewAuthorizeUriAsync"/>.</exception>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public Task<bool> OpenBrowserAsync(CancellationToken cancel = default) => _client.Asking.WhileOpenAsync(OpenAsync, cancel);

    private async Task<bool> OpenAsync(CancellationToken cancel)
    {
        var address = await RenewAsync(cancel);
        var opened = _options.OpenBrowser is { } open ? await open(address, cancel) : await BrowserLauncher.OfThisSystem.OpenAsync(address, cancel);
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
        using var span = Spans.Start("sign-in");
        using var turn = _turn;
        await using var listening = _listener;
        if (NeedsKeys) _client.Keys.Prefetch(_server.Keys!);
        return await _client.Asking.WhileOpenAsync(ending => ShownAsync(ListenAsync(ending), ending), cancel);
    }

    /// <summary>
    /// Takes a callback that the program received itself, or that the person pasted. One with another address or state is rejected and
    /// changes nothing: the right one may still come.
    /// </summary>
    /// <param name="callback">The whole address, query included.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>How it ended; a <see cref="CompleteAsync(CancellationToken)"/> that waits at the same time ends the same way, once a browser that came there too has its page.</returns>
    /// <exception cref="InvalidOperationException">An answer was taken before.</exception>
    /// <exception cref="TokenStoreException">The session cannot be stored.</exception>
    public async Task<SignInResult> CompleteAsync(Uri callback, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (_request.Mode == ResponseMode.FormPost) return new SignInResult.Rejected(Callback.ByGet().Violation);
        if (!IsRedirectUri(callback)) return Foreign($"the address {RedirectUri}", "another address came");
        if (!Parameters.TryParse(callback.Query.AsSpan().TrimStart('?'), out var parameters, out _) || Match(parameters, byGet: true) is not { } matched)
            return Foreign("an answer with the state of this sign-in", "its state is missing or another");
        if (!TryBeTheAnswer()) throw new InvalidOperationException("An answer was taken already; begin a new sign-in.");
        return await _client.Asking.WhileOpenAsync(ending => HandOverAsync(matched, ending), cancel);
    }

    /// <summary>
    /// Takes what the person pasted: the address that the browser ended at, with or without its scheme, or its query alone. Line breaks and
    /// quotes around it do not matter. Otherwise as <see cref="CompleteAsync(Uri, CancellationToken)"/>.
    /// </summary>
    /// <param name="pasted">What was pasted.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>How it ended; one that is rejected changes nothing.</returns>
    /// <exception cref="InvalidOperationException">An answer was taken before.</exception>
    /// <exception cref="TokenStoreException">The session cannot be stored.</exception>
    public async Task<SignInResult> CompleteAsync(string pasted, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(pasted);
        return PastedCallback.Read(pasted, RedirectUri) is { } address ? await CompleteAsync(address, cancel) : Foreign($"the address {RedirectUri} with what follows it", "that is no address");
    }

    /// <summary>Gives up, if no answer was taken yet: a wait ends at once, and the port is free again. What an answer comes to stays true.</summary>
    /// <returns>A task that is done when it has happened.</returns>
    public async ValueTask DisposeAsync()
    {
        await _stopWaiting.CancelAsync();
        if (_listener is not null) await _listener.DisposeAsync();
        _turn.Dispose();
    }

    /// <summary>Names the redirect URI alone.</summary>
    /// <returns>A text without secrets.</returns>
    public override string ToString() => $"sign-in with {RedirectUri}";

    /// <summary>Opens the browser and waits for the answer. The listener answers while it opens: a program's own may take until its page has come, and no longer than a sign-in may.</summary>
    internal async Task<SignInResult> OpenAndCompleteAsync(CancellationToken cancel)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var answer = CompleteAsync(giveUp.Token);
        var opening = OpenBrowserAsync(giveUp.Token);
        try
        {
            if (await Task.WhenAny(opening, answer) == opening && await ProblemOfAsync(opening) is { } problem)
            {
                Volatile.Write(ref _problem, problem);
                await _stopWaiting.CancelAsync();
            }
            return await answer;
        }
        finally
        {
            if (answer is not { IsCompletedSuccessfully: true, Result: SignInResult.SignedIn }) await giveUp.CancelAsync();
            // What opens the browser may ignore that nobody waits for it any more.
            _ = opening.ContinueWith(late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
    }

    // Without a browser the person sees no address that anybody could wait for.
    private static async Task<Exception?> ProblemOfAsync(Task<bool> opening)
    {
        try
        {
            return await opening ? null : new SignInRequiredException(SignInRequiredReason.NoBrowser);
        }
        catch (Exception failed)
        {
            return failed;
        }
    }

    private static SignInResult.Rejected Foreign(string expected, string actual) =>
        new(new ProtocolViolation("callback_not_ours", expected, actual, "Use the address that this very sign-in ended at, or begin a new one."));

    private Callback? Match(Parameters parameters, bool byGet) => Callback.TryMatch(parameters, Volatile.Read(ref _request), byGet, out var callback) ? callback : null;

    private async Task<Callback> WaitAsync(CancellationToken cancel)
    {
        var callback = await _listener!.WaitAsync(Match, _request.Mode, cancel);
        if (_options.ResponseMode != ResponseMode.Automatic || _request.Mode != ResponseMode.FormPost || !callback.RefusesResponseMode(_server.Issuers, _server.NamesItself)) return callback;
        // Once more and once only: the browser that brought the refusal takes the new question along.
        Volatile.Write(ref _request, await _requests.MakeAsync(RedirectUri, ResponseMode.Query, cancel));
        _options.Emit(new ClientEvent.QueryAskedInstead());
        return await _listener.SendOnAsync(AuthorizeUri, Match, ResponseMode.Query, cancel);
    }

    private async Task<SignInResult> ListenAsync(CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(_options.Timeout, _options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token, _stopWaiting.Token);
        Callback callback;
        try
        {
            callback = await WaitAsync(linked.Token);
        }
        catch (OperationCanceledException) when (Volatile.Read(ref _answered) != 0)
        {
            return await _handedOver.Task.WaitAsync(cancel);
        }
        catch (Exception over)
        {
            return await SignInEnding.ToldAsync(_options, () => Unanswered(over, cancel));
        }
        if (!TryBeTheAnswer()) return await _handedOver.Task.WaitAsync(cancel);
        _options.Emit(new ClientEvent.CallbackAccepted());
        return await SignInEnding.ToldAsync(_options, () => RedeemAsync(callback, cancel));
    }

    // The time is up, the server could not be asked for a query instead, or the program gave up: disposed, nobody will bring an answer any more.
    private Task<SignInResult> Unanswered(Exception over, CancellationToken cancel) => over switch
    {
        OperationCanceledException when Volatile.Read(ref _problem) is { } problem => Task.FromException<SignInResult>(problem),
        OperationCanceledException when !cancel.IsCancellationRequested && !_stopWaiting.IsCancellationRequested => Task.FromResult<SignInResult>(new SignInResult.Cancelled(CancelReason.TimedOut)),
        ClientException failed when ResultOf(failed) is { } result => Task.FromResult(result),
        _ => Task.FromException<SignInResult>(over),
    };

    // OpenID Connect Core section 3.1.3.3: who asks for openid gets an ID token, and checks it
    private bool NeedsKeys => _options.Scope.Contains(Scope.OpenId);

    private bool TryBeTheAnswer() => Interlocked.Exchange(ref _answered, 1) == 0;

    // Everything before the query, compared as the parsed parts, since systems rewrite the addresses that they hand to apps.
    private bool IsRedirectUri(Uri callback) =>
        callback.IsAbsoluteUri
        && Uri.Compare(callback, new Uri(RedirectUri), UriComponents.SchemeAndServer | UriComponents.Path | UriComponents.UserInfo, UriFormat.UriEscaped, StringComparison.Ordinal) == 0;

    private async Task<SignInResult> HandOverAsync(Callback callback, CancellationToken cancel)
    {
        using var span = Spans.Start("sign-in");
        try
        {
            var result = await SignInEnding.ToldAsync(_options, () => RedeemAsync(callback, cancel));
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

    // The page tells the truth, so it comes last, whatever happens, and also where what was pasted came first.
    private async Task<SignInResult> ShownAsync(Task<SignInResult> ending, CancellationToken cancel)
    {
        var page = CallbackPage.Unknown;
        try
        {
            var result = await ending;
            if (_listener!.HasBrowser) page = CallbackPage.For(result, _options, await NameAsync(result, cancel));
            return result;
        }
        catch (ClientException failed)
        {
            page = CallbackPage.Failed(failed);
            throw;
        }
        finally
        {
            if (_listener!.HasBrowser) await _listener.AnswerAsync(page, cancel);
        }
    }

    // An ID token may have nothing but a number that means nothing to a person. The page waits a moment for the name, and does without.
    private async Task<string?> NameAsync(SignInResult result, CancellationToken cancel)
    {
        if (result is not SignInResult.SignedIn { Session: var session } || session.Subject is null || CallbackPage.NameOf(session.Claims) is not null || _server.UserInfo is null) return null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(NameTimeout);
        try
        {
            // A token of this moment that is not taken, such as one for another API, would not be a moment later either.
            return CallbackPage.NameOf(await _client.UserInfo.GetAsync(session, mayRenew: false, limit.Token));
        }
        catch (Exception nameless) when (nameless is ClientException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<SignInResult> RedeemAsync(Callback callback, CancellationToken cancel)
    {
        try
        {
            var (code, refused) = callback.Read(_server.Issuers, _server.NamesItself);
            if (refused is not null) return ResultOf(refused);
            // Before the code is spent: with tokens that cannot be checked, the person would have signed in for nothing.
            if (NeedsKeys) await _client.Keys.GetAsync(_server.Keys!, again: false, cancel);
            var (tokens, error) = await _client.TokenEndpoint.RedeemAsync(_server, code!, _request, _dpopKey, cancel);
            if (tokens is null) return new SignInResult.Refused(error!);
            var answered = _server with { Issuers = _server.Issuers.After(callback.Issuer) };
            var silentAt = callback.Issuer is null ? _options.Redirect.Place : null;
            return new SignInResult.SignedIn(await NewSession.StoreAsync(_client, answered, tokens, _dpopKey, _request, _stepUp, silentAt, cancel));
        }
        catch (ClientException failed) when (ResultOf(failed) is { } result)
        {
            return result;
        }
    }

    // What ends a sign-in and is no fault of this machine's.
    private static SignInResult? ResultOf(ClientException failed) => failed switch
    {
        ProtocolViolationException violation => new SignInResult.Rejected(violation.Violation),
        AuthorizationServerUnavailableException unavailable => new SignInResult.Unavailable(unavailable.Retryable, unavailable),
        SignInRequiredException { Error: { } error } => new SignInResult.Refused(error),
        _ => null,
    };

    // RFC 6749 section 4.1.2.1
    private static SignInResult ResultOf(OAuthError error) => error.Code switch
    {
        "access_denied" => new SignInResult.Cancelled(CancelReason.UserDenied),
        "server_error" or "temporarily_unavailable" => new SignInResult.Unavailable(true, new AuthorizationServerUnavailableException(
            error.Code, "a code", $"the server said {error.Code}", "Try again later.")),
        _ => new SignInResult.Refused(error),
    };
}
