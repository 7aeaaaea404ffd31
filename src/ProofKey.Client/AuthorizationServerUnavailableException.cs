namespace ProofKey.Client;

/// <summary>
/// The authorization server, or something on the way to it, could not answer: no connection, no TLS, a timeout, a 5xx or 429 status, or a page
/// instead of an answer. No session is ever ended by it.
/// </summary>
public sealed class AuthorizationServerUnavailableException : ClientException
{
    internal AuthorizationServerUnavailableException(
        string code, string expected, string actual, string remedy, bool retryable = true, TimeSpan? retryAfter = null, Exception? inner = null, bool nothingHappened = false)
        : base(code, expected, actual, remedy, inner)
    {
        Retryable = retryable;
        RetryAfter = retryAfter;
        NothingHappened = nothingHappened;
    }

    /// <summary>Whether the same call may succeed a little later.</summary>
    public bool Retryable { get; }

    /// <summary>How long the server asked to wait (RFC 9110 section 10.2.3), where it did.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether it is known that the server did nothing: the request never went out, or was turned away unread.</summary>
    internal bool NothingHappened { get; }
}
