using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>
/// A sign-in of a machine whose person is elsewhere (RFC 8628): show <see cref="UserCode"/> and <see cref="VerificationUri"/>, and say that
/// nobody should enter a code that somebody else sent them (section 5.4).
/// </summary>
public sealed class DeviceSignIn : IAsyncDisposable
{
    // RFC 8628 section 3.5: slow_down adds five seconds, for this and all later polls
    private static readonly TimeSpan SlowDown = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(1);

    private readonly PublicClient _client;
    private readonly ClientOptions _options;
    private readonly SignInServer _server;
    private readonly DeviceAuthorization _codes;
    private readonly SignInTurn _turn;
    private readonly string? _dpopKey;
    private readonly CancellationTokenSource _stop = new();
    private int _waited;

    private DeviceSignIn(PublicClient client, SignInServer server, DeviceAuthorization codes, SignInTurn turn)
    {
        _client = client;
        _options = client.Options;
        _server = server;
        _codes = codes;
        _turn = turn;
        _dpopKey = server.Binds ? client.Backchannel.Proofs.NewKey() : null;
        ExpiresAt = _options.TimeProvider.GetUtcNow() + codes.Lifetime;
        SignedInMeanwhile = turn.SignedInMeanwhile is { } stored ? new Session(client, stored) : null;
    }

    /// <summary>What the person enters: at most 64 printable characters. Show it, also beside a QR code: the page asks whether both are the same.</summary>
    public string UserCode => _codes.UserCode;

    /// <summary>Where the person enters it; https, or loopback.</summary>
    public Uri VerificationUri => _codes.VerificationUri;

    /// <summary>The same with the code in it, for a QR code; <see langword="null"/> where the server gives none.</summary>
    public Uri? VerificationUriComplete => _codes.VerificationUriComplete;

    /// <summary>When the code ends. <see cref="ClientOptions.Timeout"/> has no say here.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>The session that another process made while this one waited for its turn; <see langword="null"/> if there was none.</summary>
    public Session? SignedInMeanwhile { get; }

    internal static async Task<DeviceSignIn> StartAsync(PublicClient client, SignInServer server, SignInTurn turn, CancellationToken cancel)
    {
        if (server.DeviceAuthorization is null)
            throw new SignInRequiredException(
                SignInRequiredReason.NoDeviceGrant,
                "metadata with device_authorization_endpoint (RFC 8628 section 4)",
                $"{client.Options.Issuer} has none",
                "Sign in with a browser here, or paste the address that a browser elsewhere ends at.");
        var (codes, error) = await DeviceAuthorization.AskAsync(client, server.DeviceAuthorization, cancel);
        if (codes is null) throw new SignInRequiredException(SignInRequiredReason.Refused, error, remedy: KnownProviders.RemedyOf(client.Options.Issuer, error!));
        var signIn = new DeviceSignIn(client, server, codes, turn);
        client.Options.Emit(new ClientEvent.DeviceCodeShown(signIn.ExpiresAt));
        return signIn;
    }

    /// <summary>
    /// Polls until the person has decided or the code has ended. A server that is away, busy (429) or answers with a page or half of an answer is asked again,
    /// each time later, until then (RFC 8628 section 3.5).
    /// </summary>
    /// <param name="cancel">Gives up.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="InvalidOperationException">It was called before.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up, or disposed the sign-in.</exception>
    /// <exception cref="TokenStoreException">The session cannot be stored.</exception>
    public async Task<SignInResult> CompleteAsync(CancellationToken cancel = default)
    {
        if (Interlocked.Exchange(ref _waited, 1) != 0) throw new InvalidOperationException("A sign-in is completed once; begin a new one.");
        using var span = Spans.Start("sign-in");
        using var turn = _turn;
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, _stop.Token);
        if (NeedsKeys) _client.Keys.Prefetch(_server.Keys!);
        return await _client.Asking.WhileOpenAsync(ending => SignInEnding.ToldAsync(_options, () => PollAsync(ending)), linked.Token);
    }

    /// <summary>Gives up: a wait ends at once.</summary>
    /// <returns>A task that is done when it has happened.</returns>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _turn.Dispose();
    }

    /// <summary>Names the server alone.</summary>
    /// <returns>A text without secrets.</returns>
    public override string ToString() => $"device sign-in at {_options.Issuer}";

    private bool NeedsKeys => _options.Scope.Contains(Scope.OpenId);

    private async Task<SignInResult> PollAsync(CancellationToken cancel)
    {
        var interval = _codes.Interval;
        var pause = interval;
        SignInResult? last = null;
        while (_options.TimeProvider.GetUtcNow() + pause < ExpiresAt)
        {
            await Task.Delay(pause, _options.TimeProvider, cancel);
            var wasGranted = false;
            try
            {
                // Before a poll that may spend the code: with tokens that cannot be checked, the person would have signed in for nothing.
                if (NeedsKeys) await _client.Keys.GetAsync(_server.Keys!, again: false, cancel);
                var (granted, error) = await _client.TokenEndpoint.PollAsync(_server, _codes.DeviceCode, _dpopKey, cancel);
                wasGranted = granted is not null;
                if (granted is { } answer) return new SignInResult.SignedIn(await NewSession.StoreAsync(_client, _server, _client.TokenEndpoint.Read(answer, _dpopKey is not null), _dpopKey, request: null, stepUp: null, silentAt: null, cancel));
                if (error!.Code is not ("authorization_pending" or "slow_down")) return ResultOf(error);
                if (error.Code == "slow_down") interval += SlowDown;
                (pause, last) = (interval, null);
            }
            catch (AuthorizationServerUnavailableException away) when (!wasGranted && away.Code != "tls")
            {
                last = new SignInResult.Unavailable(away.Retryable, away);
                pause = Later(pause, interval, away.RetryAfter);
                _options.Emit(new ClientEvent.PollFailed(away.Code, pause));
            }
            catch (AuthorizationServerUnavailableException final)
            {
                // A device code that was redeemed is spent, whatever the server is doing.
                return new SignInResult.Unavailable(final.Retryable, final);
            }
            catch (ProtocolViolationException garbled) when (!wasGranted && garbled.Code is "redirect" or "malformed_json" or "too_large" or "malformed_keys")
            {
                // A portal or a proxy that stepped in between, as likely as not.
                last = new SignInResult.Rejected(garbled.Violation);
                pause = Later(pause, interval, asked: null);
                _options.Emit(new ClientEvent.PollFailed(garbled.Code, pause));
            }
            catch (ProtocolViolationException violation)
            {
                return new SignInResult.Rejected(violation.Violation);
            }
        }
        return last ?? new SignInResult.Cancelled(CancelReason.TimedOut);
    }

    // Twice as long each time, up to a minute; as long as the server asks for, if that is more.
    private static TimeSpan Later(TimeSpan pause, TimeSpan interval, TimeSpan? asked)
    {
        var doubled = 2 * pause < MaxPause ? 2 * pause : MaxPause;
        var most = doubled > interval ? doubled : interval;
        return asked > most ? asked.Value : most;
    }

    private static SignInResult ResultOf(OAuthError error) => error.Code switch
    {
        "access_denied" => new SignInResult.Cancelled(CancelReason.UserDenied),
        "expired_token" => new SignInResult.Cancelled(CancelReason.TimedOut),
        _ => new SignInResult.Refused(error),
    };
}
