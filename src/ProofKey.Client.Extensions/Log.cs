using Microsoft.Extensions.Logging;

namespace ProofKey.Client.Extensions;

/// <summary>Everything that a named client logs. No code, token, verifier, state or nonce is ever an argument: the client's events have no room for one.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "{Client}: read the metadata of {Issuer}; PKCE: {Pkce}.")]
    public static partial void MetadataRead(ILogger logger, string client, string issuer, PkceSupport pkce);

    [LoggerMessage(2, LogLevel.Information, "{Client}: a sign-in began; its answer comes in at {RedirectUri}.")]
    public static partial void SignInStarted(ILogger logger, string client, string redirectUri);

    [LoggerMessage(3, LogLevel.Information, "{Client}: another program asks the person now; waiting for its turn.")]
    public static partial void WaitingForTurn(ILogger logger, string client);

    [LoggerMessage(15, LogLevel.Warning, "{Client}: the session is kept on {FileSystem}; the locks of some such file systems hold nobody up. Keep it on a local disk.")]
    public static partial void FolderOnNetwork(ILogger logger, string client, string fileSystem);

    [LoggerMessage(4, LogLevel.Warning, "{Client}: no browser could be opened.")]
    public static partial void NoBrowser(ILogger logger, string client);

    [LoggerMessage(5, LogLevel.Debug, "{Client}: a request at the loopback address changed nothing ({Reason}).")]
    public static partial void RequestIgnored(ILogger logger, string client, IgnoredRequestReason reason);

    [LoggerMessage(6, LogLevel.Information, "{Client}: asked for {Asked}, the server granted {Granted}.")]
    public static partial void OtherScopeGranted(ILogger logger, string client, string asked, string granted);

    [LoggerMessage(7, LogLevel.Information, "{Client}: signed in.")]
    public static partial void SignedIn(ILogger logger, string client);

    [LoggerMessage(8, LogLevel.Warning, "{Client}: nobody signed in ({Outcome}).")]
    public static partial void NotSignedIn(ILogger logger, string client, string outcome);

    [LoggerMessage(9, LogLevel.Debug, "{Client}: the session was renewed; its access token ends at {ExpiresAt:O}.")]
    public static partial void TokensRefreshed(ILogger logger, string client, DateTimeOffset expiresAt);

    [LoggerMessage(10, LogLevel.Warning, "{Client}: the session could not be renewed ({ErrorCode}); it goes on.")]
    public static partial void RefreshFailed(ILogger logger, string client, string errorCode);

    [LoggerMessage(11, LogLevel.Warning, "{Client}: the session has ended ({ErrorCode}); a person must sign in.")]
    public static partial void SessionEnded(ILogger logger, string client, string errorCode);

    [LoggerMessage(12, LogLevel.Information, "{Client}: signed out; the server took its tokens back: {Revoked}.")]
    public static partial void SignedOut(ILogger logger, string client, bool revoked);

    [LoggerMessage(14, LogLevel.Warning, "{Client}: took the place of a session of {OtherClient} at {OtherIssuer} that was for something else; two clients of one store need a Profile each.")]
    public static partial void SessionReplaced(ILogger logger, string client, string otherClient, string otherIssuer);

    [LoggerMessage(13, LogLevel.Debug, "{Client}: {Happened}")]
    public static partial void Other(ILogger logger, string client, ClientEvent happened);
}
