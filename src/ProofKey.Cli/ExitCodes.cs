namespace ProofKey.Cli;

/// <summary>What the program's exit code means; scripts may rely on each of them.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;

    /// <summary>An option, an argument, a variable or a key of the configuration file is missing or wrong.</summary>
    public const int WrongUsage = 2;

    public const int TimedOut = 3;

    /// <summary>Nobody is signed in, or the session has ended.</summary>
    public const int SignInNeeded = 4;

    /// <summary>The server said no.</summary>
    public const int Refused = 5;

    /// <summary>Nobody answered; the same command may succeed a little later.</summary>
    public const int Unavailable = 6;

    /// <summary>The server answered against the protocol, and going on would not be safe.</summary>
    public const int ProtocolViolation = 7;

    /// <summary>The keychain or the session's file is locked, missing, damaged, or cannot be read or written.</summary>
    public const int TokenStore = 8;

    /// <summary>Ctrl-C, or the person said no.</summary>
    public const int Cancelled = 9;
}
