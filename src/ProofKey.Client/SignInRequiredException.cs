namespace ProofKey.Client;

/// <summary>Why a person has to sign in before the program can go on.</summary>
public enum SignInRequiredReason
{
    /// <summary>Nobody has signed in yet, or the stored session is for another issuer, client, scope or resource.</summary>
    NoSession,

    /// <summary>
    /// The server ended the session (RFC 6749 section 5.2, <c>invalid_grant</c>), or its access token ended and there is no refresh token. With the
    /// code <c>renewal_interrupted</c>: a program was killed, or an answer lost, while the session was renewed; one sign-in mends it.
    /// </summary>
    SessionEnded,

    /// <summary>The session was signed out or replaced by another one.</summary>
    SignedOut,

    /// <summary>Nobody finished the sign-in in time.</summary>
    TimedOut,

    /// <summary>The person said no.</summary>
    UserDenied,

    /// <summary>The server refused; <see cref="SignInRequiredException.Error"/> says with which code.</summary>
    Refused,

    /// <summary>
    /// No browser could be opened, or the program receives its callback itself: begin with <see cref="PublicClient.BeginAsync(SignInRoad, CancellationToken)"/> and show
    /// <see cref="PendingSignIn.AuthorizeUri"/> to the person.
    /// </summary>
    NoBrowser,

    /// <summary>None of the ports that <see cref="ClientOptions.Redirect"/> names is free on this machine.</summary>
    NoPort,

    /// <summary>The server has no device authorization endpoint (RFC 8628 section 4).</summary>
    NoDeviceGrant,

    /// <summary>
    /// The token is good, and the API asks for a better or a fresher sign-in (RFC 9470 section 3): <see cref="SignInRequiredException.StepUp"/> says which, and
    /// <see cref="PublicClient.GetSessionAsync(StepUp, CancellationToken)"/> asks the person for it.
    /// </summary>
    StepUp,

    /// <summary>
    /// The token is good, and the API asks for scope values that it does not have (RFC 6750 section 3.1): <see cref="SignInRequiredException.Scope"/> has them. A
    /// client with those in <see cref="ClientOptions.Scope"/> signs in for them.
    /// </summary>
    InsufficientScope,

    /// <summary>The session is good, and there is no refresh token to get one for another of its APIs with (RFC 8707 section 2.2).</summary>
    NoRefreshToken,
}

/// <summary>A person must sign in, which the call could not do or did not finish.</summary>
public sealed class SignInRequiredException : ClientException
{
    internal SignInRequiredException(SignInRequiredReason reason, OAuthError? error = null, bool wasInterrupted = false, string? remedy = null)
        : base(wasInterrupted ? "renewal_interrupted" : CodeOf(reason), "a session that is good", wasInterrupted ? Interrupted : ActualOf(reason, error), remedy ?? RemedyOf(reason, error))
    {
        Reason = reason;
        Error = error;
    }

    internal SignInRequiredException(SignInRequiredReason reason, string expected, string actual, string remedy)
        : base(CodeOf(reason), expected, actual, remedy) => Reason = reason;

    internal SignInRequiredException(StepUp stepUp)
        : this(SignInRequiredReason.StepUp, "a sign-in that is enough for this", $"the API asks for {stepUp}", $"Sign in again with {nameof(PublicClient.GetSessionAsync)}(StepUp), then call the API with the new session.") => StepUp = stepUp;

    internal SignInRequiredException(Scope scope)
        : this(SignInRequiredReason.InsufficientScope, "a token that is good for this", $"the API asks for the scope {ServerText.Shown(scope.ToString())}", "Sign in with that scope in addition.") => Scope = scope;

    internal static SignInRequiredException NoBrowserHere(string reason) =>
        new(SignInRequiredReason.NoBrowser, "a browser that brings the answer back to this call", $"none was opened, since {reason}", RemedyOf(SignInRequiredReason.NoBrowser, null));

    // Not the person's fault, and nothing to look for: the server takes what was sent twice for stolen (RFC 9700 section 4.14.2).
    private const string Interrupted = "the previous renewal was interrupted, and the server does not take its refresh token a second time";

    /// <summary>Why.</summary>
    public SignInRequiredReason Reason { get; }

    /// <summary>What the server answered, where it did.</summary>
    public OAuthError? Error { get; }

    /// <summary>What an API asks of the sign-in, where it does.</summary>
    public StepUp? StepUp { get; }

    /// <summary>The scope that an API asks for, where it does.</summary>
    public Scope? Scope { get; }

    private static string CodeOf(SignInRequiredReason reason) => reason switch
    {
        SignInRequiredReason.NoSession => "no_session",
        SignInRequiredReason.SessionEnded => "session_ended",
        SignInRequiredReason.SignedOut => "signed_out",
        SignInRequiredReason.TimedOut => "timed_out",
        SignInRequiredReason.UserDenied => "user_denied",
        SignInRequiredReason.NoBrowser => "no_browser",
        SignInRequiredReason.NoPort => "no_port",
        SignInRequiredReason.NoDeviceGrant => "no_device_grant",
        SignInRequiredReason.StepUp => "step_up",
        SignInRequiredReason.InsufficientScope => "insufficient_scope",
        SignInRequiredReason.NoRefreshToken => "no_refresh_token",
        _ => "refused",
    };

    private static string ActualOf(SignInRequiredReason reason, OAuthError? error) => reason switch
    {
        SignInRequiredReason.NoSession => "nobody has signed in here yet",
        SignInRequiredReason.SessionEnded => "the session has ended",
        SignInRequiredReason.SignedOut => "the session was signed out or replaced",
        SignInRequiredReason.TimedOut => "nobody finished the sign-in in time",
        SignInRequiredReason.UserDenied => "the person said no",
        SignInRequiredReason.NoBrowser => "no browser could be opened that would bring the answer back to this call",
        _ => $"the server refused with {error?.Code}: {error?.Description.TrimEnd('.')}",
    };

    internal static string RemedyOf(SignInRequiredReason reason, OAuthError? error) => reason switch
    {
        SignInRequiredReason.Refused => error?.Code switch
        {
            "invalid_client" or "unauthorized_client" => "Check the client id and what the client is registered for.",
            "invalid_scope" => "Ask for scopes that this client may have.",
            "invalid_target" => "Ask for a resource that the server knows.",
            "invalid_request" => "Check that the redirect URI and the other settings are registered for this client.",
            { } code when RegisteredErrors.AskForThePerson(code) => "Sign in again.",
            _ => "Check the client's registration at the server, then sign in again.",
        },
        SignInRequiredReason.NoBrowser => $"Call {nameof(PublicClient.BeginAsync)}({nameof(SignInRoad)}.{nameof(SignInRoad.Paste)}), show its {nameof(PendingSignIn.AuthorizeUri)} to the person, and hand what the browser ends at to {nameof(PendingSignIn.CompleteAsync)}.",
        _ => "Sign in again.",
    };
}
