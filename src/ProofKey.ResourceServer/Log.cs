using Microsoft.Extensions.Logging;

namespace ProofKey.ResourceServer;

/// <summary>Everything that the resource server logs. No token, nor a part of one, is ever an argument.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Access token rejected ({ErrorCode}): {Reason}")]
    public static partial void Rejected(ILogger logger, string errorCode, string reason);

    [LoggerMessage(2, LogLevel.Information, "Access token rejected (insufficient_scope): {Required} is required.")]
    public static partial void InsufficientScope(ILogger logger, Scope required);

    [LoggerMessage(3, LogLevel.Debug, "Request rejected (no_credentials): there is no access token in its Authorization header.")]
    public static partial void NoCredentials(ILogger logger);

    [LoggerMessage(4, LogLevel.Debug, "Fetched {Count} keys of {Issuer}.")]
    public static partial void KeysFetched(ILogger logger, Issuer issuer, int count);

    [LoggerMessage(5, LogLevel.Warning, "The keys of {Issuer} could not be fetched: {Problem} The last good copy, if there is one, stays in use.")]
    public static partial void KeysNotFetched(ILogger logger, Issuer issuer, string problem);
}
