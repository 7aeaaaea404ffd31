namespace ProofKey.Client;

/// <summary>
/// Signs a person in to this program with the authorization code flow and PKCE, in the system's browser (RFC 8252), and keeps the
/// session. Make one for the life of the program; it is safe to use from many threads. Once it is disposed it asks nobody and sends nothing: its methods, and sign-ins that it began, throw
/// <see cref="ObjectDisposedException"/>, those that wait too.
/// </summary>
public sealed class PublicClient : IAsyncDisposable
{
    private int _disposed;

    /// <summary>Checks the options. Nothing is read and nothing is sent yet.</summary>
    /// <param name="options">What to sign in to, and as whom.</param>
    /// <exception cref="ArgumentException">The options are wrong; the message lists every problem.</exception>
    public PublicClient(ClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var problems = options.Problems().ToList();
        if (problems.Count > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        Options = options;
        Backchannel = new Backchannel(options);
        Discovery = new Discovery(options, Backchannel);
        Keys = new SigningKeys(options, Backchannel);
        TokenEndpoint = new TokenEndpoint(options, Backchannel);
        Vault = new SessionVault(options.Store, options.Profile) { Patience = SessionVault.PatienceOf(options) };
        Refresh = new Refresh(this);
        Asking = new Asking(this);
        UserInfo = new UserInfo(this);
        SignOut = new SignOut(this);
    }

    /// <summary>What the client was made with.</summary>
    public ClientOptions Options { get; }

    internal Backchannel Backchannel { get; }

    internal Discovery Discovery { get; }

    internal SigningKeys Keys { get; }

    internal TokenEndpoint TokenEndpoint { get; }

    internal SessionVault Vault { get; }

    internal Asking Asking { get; }

    internal Refresh Refresh { get; }

    internal UserInfo UserInfo { get; }

    internal SignOut SignOut { get; }

    /// <summary>
    /// Gives a session that is good: the stored one, refreshed if need be, else a new one from the browser. Calls at the same time open
    /// one browser window, those of other programs with the same store too. Where the server wants to see the person before it renews a session (<c>interaction_required</c>,
    /// <c>login_required</c>, <c>consent_required</c>, <c>account_selection_required</c>), they are asked too, and the stored session goes on until they have signed in.
    /// </summary>
    /// <param name="cancel">Ends the call; the port is free again before it returns.</param>
    /// <returns>The session.</returns>
    /// <exception cref="SignInRequiredException">
    /// The person did not sign in, or the server refused; or no browser could be opened
    /// (<see cref="SignInRequiredReason.NoBrowser"/>), which is so at once where <see cref="ClientOptions.Redirect"/> is no loopback one, and where <see cref="Surroundings.OfThisProcess"/> say that one would
    /// open where the person is not, unless <see cref="ClientOptions.OpenBrowser"/> opens it or the variable <c>BROWSER</c> is set.
    /// </exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached; a stored session is kept.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol.</exception>
    /// <exception cref="TokenStoreException">
    /// The store cannot be read or written: locked, missing or damaged, it never counts as signed out. Or the profile has a session of another server or client, which a sign-in would end
    /// (<see cref="TokenStoreState.OtherClient"/>).
    /// </exception>
    public Task<Session> GetSessionAsync(CancellationToken cancel = default) => GetSessionAsync(ending => SignInAsync(null, ending), cancel);

    /// <summary>The same for a program that asks the person in its own way, such as by <see cref="BeginAsync(CancellationToken)"/>: what asks is called only when a person is needed, and in one program at a time.</summary>
    /// <param name="signIn">Signs a person in. What it begins itself has its turn; a sign-in that is begun elsewhere meanwhile waits for its own.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The session.</returns>
    /// <exception cref="SignInRequiredException">Another program or call asked meanwhile, and nobody finished that sign-in.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached; a stored session is kept.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol.</exception>
    /// <exception cref="TokenStoreException">
    /// The store cannot be read or written: locked, missing or damaged, it never counts as signed out. Or the profile has a session of another server or client, which a sign-in would end
    /// (<see cref="TokenStoreState.OtherClient"/>).
    /// </exception>
    public Task<Session> GetSessionAsync(Func<CancellationToken, Task<Session>> signIn, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(signIn);
        return Asking.WhileOpenAsync(ending => Asking.GetSessionAsync("", signIn, _ => true, ending), cancel);
    }

    /// <summary>
    /// Answers an API that asks for a better or fresher sign-in (RFC 9470): the same person signs in again, and the ID token must say that it was so. The new session takes
    /// the place of the stored one; make new HTTP clients of it. One that another call or program made for the same demand is enough. Without <c>openid</c> in the scope there is no ID token, and
    /// whether the sign-in was as asked is between server and API.
    /// </summary>
    /// <param name="stepUp">What is asked, from <see cref="SignInRequiredException.StepUp"/>.</param>
    /// <param name="cancel">Ends the call; the port is free again before it returns.</param>
    /// <returns>The session.</returns>
    /// <exception cref="SignInRequiredException">
    /// The person did not sign in, or the server refused, such as with <c>unmet_authentication_requirements</c>; or no browser could be opened.
    /// </exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached; a stored session is kept.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol, or the sign-in was not as asked; a stored session is kept.</exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written.</exception>
    public Task<Session> GetSessionAsync(StepUp stepUp, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(stepUp);
        return Asking.WhileOpenAsync(ending => AnswerAsync(stepUp, ending), cancel);
    }

    /// <summary>Finds the stored session for these options. Opens no browser and asks no server.</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The session, or <see langword="null"/>. Its access token may have ended and be refreshed on use.</returns>
    /// <exception cref="TokenStoreException">The store cannot be read.</exception>
    public async Task<Session?> FindSessionAsync(CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        Asking.ThrowIfOver();
        return await Vault.FindAsync(Options, cancel) is { } stored ? new Session(this, stored) : null;
    }

    /// <summary>The same for a call that has no person to ask: it throws where there is none.</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The session. Its access token may have ended and be refreshed on use.</returns>
    /// <exception cref="SignInRequiredException">There is no session (<see cref="SignInRequiredReason.NoSession"/>).</exception>
    /// <exception cref="TokenStoreException">The store cannot be read.</exception>
    public async Task<Session> GetStoredSessionAsync(CancellationToken cancel = default) =>
        await FindSessionAsync(cancel) ?? throw new SignInRequiredException(SignInRequiredReason.NoSession);

    /// <summary>Begins a sign-in in a browser on this machine; see <see cref="BeginAsync(SignInRoad, CancellationToken)"/>.</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The sign-in, to be completed once and disposed by the caller.</returns>
    public Task<PendingSignIn> BeginAsync(CancellationToken cancel = default) => BeginAsync(SignInRoad.Browser, cancel);

    /// <summary>
    /// Begins a sign-in: the metadata is read and checked, the store is known to take a session, and the listener is listening. While
    /// another process asks the person for the same session, this one waits for its turn.
    /// </summary>
    /// <param name="road"><see cref="SignInRoad.Browser"/> or <see cref="SignInRoad.Paste"/>.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The sign-in, to be completed once and disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The road is <see cref="SignInRoad.Device"/>, or it is <see cref="SignInRoad.Paste"/> and the options insist on <see cref="ResponseMode.FormPost"/>.</exception>
    /// <exception cref="SignInRequiredException">No port is free that <see cref="ClientOptions.Redirect"/> names, or the server refused the pushed request (RFC 9126).</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached.</exception>
    /// <exception cref="ProtocolViolationException">
    /// The server's metadata is against the protocol, or names another issuer; or its answers could be those of another server with a session here (<c>redirect_shared</c>): give it a
    /// <see cref="ClientOptions.Redirect"/> of its own.
    /// </exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written.</exception>
    public Task<PendingSignIn> BeginAsync(SignInRoad road, CancellationToken cancel = default) => BeginAsync(road, null, cancel);

    /// <summary>The same for a sign-in that an API asked for (RFC 9470), by a program that asks the person in its own way.</summary>
    /// <param name="road"><see cref="SignInRoad.Browser"/> or <see cref="SignInRoad.Paste"/>.</param>
    /// <param name="stepUp">What is asked, from <see cref="SignInRequiredException.StepUp"/>; nothing in particular where it is <see langword="null"/>.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The sign-in, to be completed once and disposed by the caller; one that was not as asked is <see cref="SignInResult.Rejected"/>.</returns>
    /// <exception cref="ArgumentException">The road is <see cref="SignInRoad.Device"/>, or it is <see cref="SignInRoad.Paste"/> and the options insist on <see cref="ResponseMode.FormPost"/>.</exception>
    /// <exception cref="SignInRequiredException">No port is free, or the server refused the pushed request.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached.</exception>
    /// <exception cref="ProtocolViolationException">
    /// The server's metadata is against the protocol, or names another issuer; or its answers could be those of another server with a session here (<c>redirect_shared</c>): give it a
    /// <see cref="ClientOptions.Redirect"/> of its own.
    /// </exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written.</exception>
    public async Task<PendingSignIn> BeginAsync(SignInRoad road, StepUp? stepUp, CancellationToken cancel = default)
    {
        if (road == SignInRoad.Device) throw new ArgumentException($"A device begins with {nameof(BeginDeviceAsync)}.", nameof(road));
        if (road == SignInRoad.Paste && Options.ResponseMode == ResponseMode.FormPost)
            throw new ArgumentException("What is pasted is an address, so it cannot go with ResponseMode.FormPost.", nameof(road));
        var askedAt = Options.TimeProvider.GetUtcNow();
        return await Asking.WhileOpenAsync(
            ending => StartAsync(server => SharedRedirect.CheckAsync(Options, server, ending), (server, turn) => PendingSignIn.StartAsync(this, server, road, stepUp, askedAt, turn, ending), ending), cancel);
    }

    /// <summary>
    /// Begins a sign-in of a machine without a browser that could come back to it (RFC 8628): the person enters a code elsewhere. Anybody
    /// who talks a person into entering a code gets their session, so this is the last choice, and never one without the person asking for it.
    /// </summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The sign-in, to be completed once and disposed by the caller.</returns>
    /// <exception cref="SignInRequiredException">The server has no device authorization endpoint, or refused.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server cannot be reached.</exception>
    /// <exception cref="ProtocolViolationException">The server answered against the protocol.</exception>
    /// <exception cref="TokenStoreException">The store cannot be read or written.</exception>
    public Task<DeviceSignIn> BeginDeviceAsync(CancellationToken cancel = default) =>
        Asking.WhileOpenAsync(ending => StartAsync(_ => Task.CompletedTask, (server, turn) => DeviceSignIn.StartAsync(this, server, turn, ending), ending), cancel);

    /// <summary>
    /// Ends what waits for a person or for another call, and frees the connections. A refresh that was sent comes first, however long its requests may take, since its tokens are spent at the server already; one that was not sent ends at once. What
    /// else changes the store has <see cref="ClientOptions.RequestTimeout"/>. Sessions of this client cannot be refreshed any more.
    /// </summary>
    /// <returns>A task that is done when it has happened.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await Asking.DisposeAsync();
        using (var sent = new CancellationTokenSource(SessionVault.PatienceOf(Options), Options.TimeProvider)) await Refresh.CloseAsync(sent.Token);
        using var limit = new CancellationTokenSource(Options.RequestTimeout, Options.TimeProvider);
        await Refresh.SaveLeftAsync(limit.Token);
        await Vault.SettleAsync(limit.Token);
        Refresh.Dispose();
        Backchannel.Dispose();
    }

    /// <summary>Names the client and the server alone.</summary>
    /// <returns>A text without secrets.</returns>
    public override string ToString() => Options.ToString();

    // Somebody else's sign-in for the same demand may end while this call waits for its turn.
    private async Task<Session> AnswerAsync(StepUp stepUp, CancellationToken cancel)
    {
        var askedAt = Options.TimeProvider.GetUtcNow();
        var known = (await Vault.FindAsync(Options, cancel))?.Id;
        return await Asking.GetSessionAsync(stepUp.ToString(), ending => SignInAsync(stepUp, ending), session => stepUp.IsMetBy(session, known, askedAt), cancel);
    }

    private async Task<T> StartAsync<T>(Func<SignInServer, Task> check, Func<SignInServer, SignInTurn, Task<T>> start, CancellationToken cancel)
    {
        var known = (await Vault.FindAsync(Options, cancel))?.Id;
        var server = await Discovery.ForSignInAsync(cancel);
        await Vault.ProbeAsync(cancel);
        // After it: whoever has to unlock a keychain is asked once.
        await check(server);
        var turn = await SignInTurn.TakeAsync(this, known, cancel);
        try
        {
            return await start(server, turn);
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    /// <summary>Signs in with as many attempts as the person wants; see <see cref="Asking.InOneTurnAsync"/>.</summary>
    internal Task<Session> InOneTurnAsync(Func<Task<Session>> signIn) => Asking.InOneTurnAsync(signIn);

    private async Task<Session> SignInAsync(StepUp? stepUp, CancellationToken cancel)
    {
        // Nobody would hand us the answer: the listener that waits for it is not there.
        if (Options.Redirect is not Redirect.Loopback) throw new SignInRequiredException(SignInRequiredReason.NoBrowser);
        // One that opens where nobody sits is one that nobody sees, and this call shows no address.
        if (Options is { OpenBrowser: null, Surroundings: { HasBrowser: false, Reason: var elsewhere } }) throw SignInRequiredException.NoBrowserHere(elsewhere);
        await using var pending = await BeginAsync(SignInRoad.Browser, stepUp, cancel);
        return (await pending.OpenAndCompleteAsync(cancel)).SessionOrThrow();
    }
}
