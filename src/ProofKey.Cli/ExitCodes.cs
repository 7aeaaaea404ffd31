namespace ProofKey.Cli;

/// <summary>An exit code, and what is told of it.</summary>
/// <param name="Code">The code.</param>
/// <param name="Words">In a list.</param>
/// <param name="Sentence">By itself.</param>
internal readonly record struct ExitCode(int Code, string Words, string Sentence);

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

    /// <summary>Of <c>exec</c>, as env(1) and the shells say it: its program cannot be run.</summary>
    public const int CannotRun = 126;

    /// <summary>Of <c>exec</c>: its program was not found.</summary>
    public const int NotFound = 127;

    /// <summary>Those of this program, as the help and as the manual tells of each.</summary>
    public static readonly ExitCode[] All =
    [
        new(Done, "done", "Done."),
        new(Failed, "failed", "Failed."),
        new(WrongUsage, "wrong usage", "Wrong usage."),
        new(TimedOut, "timed out", "Timed out."),
        new(SignInNeeded, "sign-in needed", "A person must sign in."),
        new(Refused, "refused", "The server refused."),
        new(Unavailable, "unavailable", "The server is unavailable; try again."),
        new(ProtocolViolation, "protocol violation", "The server broke the protocol."),
        new(TokenStore, "token store locked or missing", "The keychain or the session's file is locked, missing or damaged."),
        new(Cancelled, "cancelled", "Cancelled."),
    ];

    /// <summary>Those that <c>exec</c> has beside its program's own.</summary>
    public static readonly ExitCode[] OfExec =
    [
        new(CannotRun, "cannot be run", "The program of exec cannot be run."),
        new(NotFound, "not found", "The program of exec was not found; all other codes of exec are those of its program."),
    ];
}
