namespace ProofKey.Client;

/// <summary>Why a request at the loopback address was not taken for the answer of the sign-in. The wait goes on after each of them.</summary>
public enum IgnoredRequestReason
{
    /// <summary>It was not HTTP, or too large. One that is too slow is cut off and told of nowhere.</summary>
    Malformed,

    /// <summary>It was meant for another host name, as in DNS rebinding.</summary>
    Host,

    /// <summary>It was for another path, such as <c>/favicon.ico</c>.</summary>
    Path,

    /// <summary>It had another method than the response mode asks for, such as a preflight.</summary>
    Method,

    /// <summary>Its state was missing, repeated or not ours.</summary>
    State,

    /// <summary>The answer had come already.</summary>
    Late,
}

/// <summary>What happened, for a log. A closed set of records with no room for a secret; <c>ToString</c> is fit for a log line.</summary>
public abstract record ClientEvent
{
    private ClientEvent()
    {
    }

    /// <summary>The server's metadata was read and may be trusted: it is of the right issuer, and the server checks the verifier.</summary>
    /// <param name="Issuer">The server.</param>
    /// <param name="Pkce">Why it may be trusted to check the verifier.</param>
    public sealed record MetadataRead(string Issuer, PkceSupport Pkce) : ClientEvent;

    /// <summary>The server's key set was read.</summary>
    /// <param name="Count">How many keys in it are of use.</param>
    public sealed record KeysRead(int Count) : ClientEvent;

    /// <summary>A sign-in began; the listener, if there is one, is listening.</summary>
    /// <param name="RedirectUri">Where the answer will come in.</param>
    public sealed record SignInStarted(string RedirectUri) : ClientEvent;

    /// <summary>Another process asks the person at this moment; this one waits for its turn.</summary>
    public sealed record WaitingForTurn : ClientEvent;

    /// <summary>The session is kept in a folder that other machines may have too. Whether its locks hold them up cannot be told from here.</summary>
    /// <param name="FileSystem">Its kind, such as <c>nfs</c>.</param>
    public sealed record FolderOnNetwork(string FileSystem) : ClientEvent;

    /// <summary>The server has no <c>form_post</c> after all, so a new request asks it for a query.</summary>
    public sealed record QueryAskedInstead : ClientEvent;

    /// <summary>A device waits for the person to enter its code elsewhere.</summary>
    /// <param name="ExpiresAt">When the code ends.</param>
    public sealed record DeviceCodeShown(DateTimeOffset ExpiresAt) : ClientEvent;

    /// <summary>A poll of a device was not answered as it should; the next one follows later.</summary>
    /// <param name="Code">The stable code of the problem.</param>
    /// <param name="Wait">How long until then.</param>
    public sealed record PollFailed(string Code, TimeSpan Wait) : ClientEvent;

    /// <summary>A browser was asked to open the sign-in page.</summary>
    /// <param name="Opened">Whether one seems to have done so.</param>
    public sealed record BrowserLaunched(bool Opened) : ClientEvent;

    /// <summary>A request at the loopback address was answered with an error and changed nothing.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record RequestIgnored(IgnoredRequestReason Reason) : ClientEvent;

    /// <summary>The browser brought the answer; the code is about to be redeemed.</summary>
    public sealed record CallbackAccepted : ClientEvent;

    /// <summary>The server granted scope values that were not asked for (RFC 6749 section 3.3); the session records them.</summary>
    /// <param name="Asked">What was asked for.</param>
    /// <param name="Granted">What was granted, cut after 200 characters.</param>
    public sealed record OtherScopeGranted(string Asked, string Granted) : ClientEvent;

    /// <summary>A sign-in ended, by a result or by an exception.</summary>
    /// <param name="Outcome">
    /// <c>signed_in</c>, or the code of what went wrong, as in <see cref="SignInResult.Outcome"/> and <see cref="ClientException.Code"/>; <c>cancelled</c> where the program gave up, and
    /// <c>failed</c> for what should not happen.
    /// </param>
    public sealed record SignInEnded(string Outcome) : ClientEvent;

    /// <summary>
    /// A sign-in took the place of a session that was for another server, client, scope or API, and that nobody can use any more. Two clients that do this to each other by turns
    /// need a <see cref="ClientOptions.Profile"/> each.
    /// </summary>
    /// <param name="Issuer">The server of the session that was there.</param>
    /// <param name="ClientId">The client that it was for.</param>
    public sealed record SessionReplaced(string Issuer, string ClientId) : ClientEvent;

    /// <summary>New tokens came and were stored.</summary>
    /// <param name="ExpiresAt">When the new access token ends.</param>
    public sealed record TokensRefreshed(DateTimeOffset ExpiresAt) : ClientEvent;

    /// <summary>A refresh failed.</summary>
    /// <param name="Code">The stable code of the problem.</param>
    /// <param name="SessionKept">Whether the session goes on; only <c>invalid_grant</c> ends it.</param>
    public sealed record RefreshFailed(string Code, bool SessionKept) : ClientEvent;

    /// <summary>A session was signed out.</summary>
    /// <param name="Revoked">Whether the server took back its tokens.</param>
    public sealed record SignedOut(bool Revoked) : ClientEvent;
}
