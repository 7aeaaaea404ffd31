namespace ProofKey.Server;

/// <summary>Everything that the server logs. No message has room for a code, verifier, token, secret or password.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Made a {Purpose} key ({Algorithm}), id {KeyId}, in use from {NotBefore:u}")]
    public static partial void KeyMade(ILogger logger, string purpose, string algorithm, string keyId, DateTimeOffset notBefore);

    [LoggerMessage(5, LogLevel.Information, "Deleted a retired {Purpose} key ({Algorithm}), id {KeyId}")]
    public static partial void KeyRemoved(ILogger logger, string purpose, string algorithm, string keyId);

    [LoggerMessage(2, LogLevel.Error, "The keys could not be read again: {Problem}")]
    public static partial void KeysNotRefreshed(ILogger logger, string problem);

    [LoggerMessage(3, LogLevel.Debug, "Deleted {Count} ended rows")]
    public static partial void CleanedUp(ILogger logger, int count);

    [LoggerMessage(4, LogLevel.Error, "Ended rows could not be deleted: {Problem}")]
    public static partial void CleanupFailed(ILogger logger, string problem);

    [LoggerMessage(10, LogLevel.Information, "Refused at {Endpoint}, client {ClientId}: {Error}. {Reason}")]
    private static partial void RefusedLine(ILogger logger, string endpoint, string? clientId, string error, string reason);

    [LoggerMessage(11, LogLevel.Information, "Signed in {Subject}")]
    private static partial void SignedInLine(ILogger logger, string subject);

    [LoggerMessage(12, LogLevel.Information, "Sign-in failed from {Address}: {Reason}")]
    private static partial void SignInFailedLine(ILogger logger, string address, string reason);

    [LoggerMessage(13, LogLevel.Information, "{Subject} agreed to {Scope} for client {ClientId}")]
    public static partial void Consented(ILogger logger, string subject, string scope, string clientId);

    [LoggerMessage(14, LogLevel.Information, "{Subject} declined client {ClientId}")]
    public static partial void Declined(ILogger logger, string subject, string clientId);

    [LoggerMessage(15, LogLevel.Debug, "{Endpoint} asks {Address} to wait: too many requests")]
    public static partial void Slowed(ILogger logger, string endpoint, string address);

    [LoggerMessage(16, LogLevel.Information, "{Subject} let a device of client {ClientId} in, from {Address}")]
    public static partial void DeviceAllowed(ILogger logger, string subject, string clientId, string address);

    [LoggerMessage(17, LogLevel.Information, "{Subject} turned a device of client {ClientId} away, from {Address}")]
    public static partial void DeviceDenied(ILogger logger, string subject, string clientId, string address);

    [LoggerMessage(18, LogLevel.Information, "{Subject} tried a wrong user code from {Address}: {Reason}")]
    public static partial void UserCodeFailed(ILogger logger, string subject, string address, string reason);

    [LoggerMessage(19, LogLevel.Warning, "Client {ClientId} got a second code for the same {Parameter}: each request must have its own, or PKCE and nonce guard nothing")]
    public static partial void ValueRepeated(ILogger logger, string clientId, string parameter);

    [LoggerMessage(44, LogLevel.Information, "Signed out {Subject}")]
    public static partial void SignedOut(ILogger logger, string subject);

    [LoggerMessage(20, LogLevel.Warning, "A used code came back with a valid proof: grant {GrantId} of client {ClientId} is revoked")]
    private static partial void CodeReplayedLine(ILogger logger, string grantId, string clientId);

    [LoggerMessage(25, LogLevel.Warning, "A used device code came back: grant {GrantId} of client {ClientId} is revoked")]
    private static partial void DeviceCodeReplayedLine(ILogger logger, string grantId, string clientId);

    [LoggerMessage(21, LogLevel.Warning, "An old refresh token came back: grant {GrantId} of client {ClientId} is revoked")]
    private static partial void RefreshTokenReusedLine(ILogger logger, string grantId, string clientId);

    [LoggerMessage(22, LogLevel.Warning, "Late return: grant {GrantId} of client {ClientId} went on from its predecessor, since the last answer was lost")]
    private static partial void LateReturnLine(ILogger logger, string grantId, string clientId);

    [LoggerMessage(27, LogLevel.Warning, "Caught up: grant {GrantId} of client {ClientId} went on from a token that is ahead of its row, since the database was restored")]
    private static partial void CaughtUpLine(ILogger logger, string grantId, string clientId);

    [LoggerMessage(23, LogLevel.Error, "A refresh token was sealed with our key and has another secret than grant {GrantId}: the sealing keys may have leaked")]
    public static partial void RefreshTokenForged(ILogger logger, string grantId);

    [LoggerMessage(24, LogLevel.Information, "Grant {GrantId} was revoked by client {ClientId}")]
    private static partial void RevokedLine(ILogger logger, string grantId, string clientId);

    [LoggerMessage(26, LogLevel.Warning, "The key set of a client could not be fetched from {Address}: {Problem}")]
    public static partial void ClientKeysNotFetched(ILogger logger, string address, string problem);

    [LoggerMessage(40, LogLevel.Debug, "Client {ClientId} heard of the end of a session")]
    public static partial void LogoutDelivered(ILogger logger, string clientId);

    [LoggerMessage(41, LogLevel.Warning, "Client {ClientId} did not hear of the end of a session, try {Try}: {Problem}")]
    public static partial void LogoutNotDelivered(ILogger logger, string clientId, long @try, string problem);

    [LoggerMessage(42, LogLevel.Error, "Gave up to tell client {ClientId} of {Count} ended sessions after a day")]
    public static partial void LogoutsDropped(ILogger logger, int count, string clientId);

    [LoggerMessage(43, LogLevel.Error, "Ends of sessions could not be told to clients: {Problem}")]
    public static partial void LogoutsNotDelivered(ILogger logger, string problem);

    [LoggerMessage(31, LogLevel.Error, "{Endpoint} failed with {Exception}: {StackTrace}")]
    public static partial void Failed(ILogger logger, string endpoint, string exception, string? stackTrace);

    [LoggerMessage(30, LogLevel.Error, "The database failed at {Endpoint}: {Problem}")]
    public static partial void DatabaseFailed(ILogger logger, string endpoint, string problem);

    // What is logged at these places is counted as well.
    public static void Refused(ILogger logger, string endpoint, string? clientId, string error, string reason)
    {
        Telemetry.Refused(endpoint, error);
        RefusedLine(logger, endpoint, clientId, error, reason);
    }

    public static void SignedIn(ILogger logger, string subject)
    {
        Telemetry.SignIn("ok");
        SignedInLine(logger, subject);
    }

    public static void SignInFailed(ILogger logger, string address, string reason)
    {
        Telemetry.SignIn(reason == Accounts.PasswordResult.TooManyTries ? "locked" : "failed");
        SignInFailedLine(logger, address, reason);
    }

    public static void CodeReplayed(ILogger logger, string grantId, string clientId)
    {
        Telemetry.Reused("code");
        CodeReplayedLine(logger, grantId, clientId);
    }

    public static void RefreshTokenReused(ILogger logger, string grantId, string clientId)
    {
        Telemetry.Reused("refresh_token");
        RefreshTokenReusedLine(logger, grantId, clientId);
    }

    public static void LateReturn(ILogger logger, string grantId, string clientId)
    {
        Telemetry.Reused("late_refresh_token");
        LateReturnLine(logger, grantId, clientId);
    }

    public static void CaughtUp(ILogger logger, string grantId, string clientId)
    {
        Telemetry.Reused("refresh_token_ahead");
        CaughtUpLine(logger, grantId, clientId);
    }

    public static void Revoked(ILogger logger, string grantId, string clientId)
    {
        Telemetry.Revoked();
        RevokedLine(logger, grantId, clientId);
    }

    public static void DeviceCodeReplayed(ILogger logger, string grantId, string clientId)
    {
        Telemetry.Reused("device_code");
        DeviceCodeReplayedLine(logger, grantId, clientId);
    }
}
