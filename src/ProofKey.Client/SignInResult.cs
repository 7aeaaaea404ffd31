using System.Text;
using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>Why a sign-in was given up.</summary>
public enum CancelReason
{
    /// <summary>No answer came within <see cref="ClientOptions.Timeout"/>. A closed browser window gives no other sign.</summary>
    TimedOut,

    /// <summary>The person said no (RFC 6749 section 4.1.2.1, <c>access_denied</c>).</summary>
    UserDenied,
}

/// <summary>
/// How a sign-in ended: one of the five cases below and no other. A caller's own cancellation is not among them, it is an
/// <see cref="OperationCanceledException"/>.
/// </summary>
public abstract record SignInResult
{
    private SignInResult()
    {
    }

    /// <summary>The person signed in, every check passed, and the session is stored.</summary>
    /// <param name="Session">The session.</param>
    public sealed record SignedIn(Session Session) : SignInResult;

    /// <summary>The person did not want to, or did not finish.</summary>
    /// <param name="Reason">Which of the two.</param>
    public sealed record Cancelled(CancelReason Reason) : SignInResult;

    /// <summary>The server said no.</summary>
    /// <param name="Error">What it said.</param>
    public sealed record Refused(OAuthError Error) : SignInResult
    {
        /// <summary>What to do about it, as a sentence; what helps with this very provider, where it is known to need something else.</summary>
        public string Remedy { get; internal init; } = SignInRequiredException.RemedyOf(SignInRequiredReason.Refused, Error);

        /// <summary>The same by a server that may be a known provider.</summary>
        internal Refused At(Issuer issuer) => this with { Remedy = KnownProviders.RemedyOf(issuer, Error) };
    }

    /// <summary>The server could not answer.</summary>
    /// <param name="Retryable">Whether a new sign-in may succeed a little later.</param>
    /// <param name="Problem">What happened.</param>
    public sealed record Unavailable(bool Retryable, AuthorizationServerUnavailableException Problem) : SignInResult;

    /// <summary>This client said no: an answer was against the protocol, and no session came of it.</summary>
    /// <param name="Violation">What the server did.</param>
    public sealed record Rejected(ProtocolViolation Violation) : SignInResult;

    /// <summary>A stable word for logs: <c>signed_in</c>, or the code of what went wrong; <c>refused</c> where a server refuses with a code that no specification has.</summary>
    public string Outcome => this switch
    {
        SignedIn => "signed_in",
        Cancelled { Reason: CancelReason.TimedOut } => "timed_out",
        Cancelled => "user_denied",
        Refused { Error: var error } => RegisteredErrors.Stable(error.Code),
        Unavailable { Problem: var problem } => problem.Code,
        Rejected { Violation: var violation } => violation.Code,
        _ => "unknown",
    };

    /// <summary>
    /// What is wrong with an ending that is no session: its code, what was expected, what came, what to do about it and the page that explains it; what
    /// <see cref="PublicClient.GetSessionAsync(CancellationToken)"/> throws for it. <see langword="null"/> for <see cref="SignedIn"/>.
    /// </summary>
    public ClientException? Failure => this switch
    {
        SignedIn => null,
        Cancelled { Reason: CancelReason.TimedOut } => new SignInRequiredException(SignInRequiredReason.TimedOut),
        Refused refused => new SignInRequiredException(SignInRequiredReason.Refused, refused.Error, remedy: refused.Remedy),
        Unavailable { Problem: var problem } => problem,
        Rejected { Violation: var violation } => new ProtocolViolationException(violation),
        _ => new SignInRequiredException(SignInRequiredReason.UserDenied),
    };

    /// <summary>The session, for a program that has nothing to do about the other endings.</summary>
    /// <returns>The session of <see cref="SignedIn"/>.</returns>
    /// <exception cref="SignInRequiredException">The person did not sign in, or the server refused.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The server could not answer.</exception>
    /// <exception cref="ProtocolViolationException">An answer was against the protocol.</exception>
    public Session SessionOrThrow() => this is SignedIn { Session: var session } ? session : throw Failure!;

    /// <summary>Names the ending and its word.</summary>
    /// <param name="builder">Where it goes.</param>
    /// <returns>Whether there was something to name.</returns>
    protected virtual bool PrintMembers(StringBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Append("Outcome = ").Append(Outcome);
        return true;
    }
}
