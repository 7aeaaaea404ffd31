using System.Net.Sockets;
using System.Runtime.CompilerServices;
using ProofKey.Cli.Hosting;
using ProofKey.Client;
using ProofKey.Server;
using ProofKey.Server.Storage;

namespace ProofKey.Cli;

/// <summary>How a command ended that did not do what was asked: the one map from what can happen to exit codes and sentences.</summary>
/// <param name="ExitCode">One of <see cref="ExitCodes"/>.</param>
/// <param name="Problem">What is wrong, one sentence.</param>
/// <param name="Remedy">How to mend it, one sentence; empty where there is nothing to mend.</param>
/// <param name="Help">The page about it in the repository of this program, where there is one.</param>
internal sealed record Failure(int ExitCode, string Problem, string Remedy, string? Help = null)
{
    public const string SignInAgain = "Sign in again with: proofkey login";

    private const string BindTokens = "If every token of this client must be bound to a key, sign in with --dpop.";

    /// <summary>What an exception means to the person at the keyboard.</summary>
    public static Failure Of(Exception exception) => exception switch
    {
        CommandException command => new(command.ExitCode, command.Problem, command.Remedy, command.Help),
        OperationCanceledException => new(ExitCodes.Cancelled, "Cancelled.", ""),
        ClientException client => Of(client) with { Help = client.Help },
        // The message is made of both sentences.
        SqliteMissingException or DataFolderException => new(ExitCodes.Failed, exception.Message, ""),
        // Registry's, which says it of what was typed; a fault deep inside is none of the person's.
        FormatException wrong when wrong is not UriFormatException => new(ExitCodes.WrongUsage, wrong.Message, ""),
        HttpRequestException { HttpRequestError: var error } => new(ExitCodes.Unavailable, $"The server could not be reached ({error}).", "Check the address and the network, then try again."),
        // Bare, where a connection ends in the moment in which it is made.
        SocketException { SocketErrorCode: var error } => new(ExitCodes.Unavailable, $"The server could not be reached ({error}).", "Check the address and the network, then try again."),
        IOException or UnauthorizedAccessException => new(ExitCodes.Failed, exception.Message, "Check the path, its owner and mode, and the free space."),
        _ => OfServer(exception),
    };

    // A method of its own: who names the server's types loads the server, and with it ASP.NET Core.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Failure OfServer(Exception exception) => exception switch
    {
        RootKeyException => new(ExitCodes.Failed, exception.Message, "Where proofkey key rewrap was cut off at its end, the new root key lies beside the old one, as root.key.NUMBER.new: put it in the place of root.key."),
        DatabaseException database => new(database.Failure is DatabaseFailure.Busy or DatabaseFailure.Unreachable ? ExitCodes.Unavailable : ExitCodes.Failed, database.Message, ""),
        _ => new(ExitCodes.Failed, $"proofkey met a fault of its own: {exception.GetType().Name}, {exception.Message}", "Please report it, with the command but without its secrets."),
    };

    /// <summary>What an ending of a sign-in means; none when the person is signed in.</summary>
    public static Failure? Of(SignInResult result) => OfEnding(result) is { } failure ? failure with { Help = result.Failure?.Help } : null;

    private static Failure? OfEnding(SignInResult result) => result switch
    {
        SignInResult.SignedIn => null,
        SignInResult.Cancelled { Reason: CancelReason.TimedOut } => new(ExitCodes.TimedOut, "Nobody finished the sign-in in time.", "Sign in again, and leave the browser's window open until it says that you are signed in."),
        SignInResult.Cancelled => new(ExitCodes.Cancelled, "You declined in the browser; nothing was stored.", "Sign in again if that was a mistake."),
        SignInResult.Refused { Error: var error, Remedy: var remedy } => new(ExitCodes.Refused, $"The server refused: {error.Code}, {error.Description}", RemedyOf(error, remedy)),
        SignInResult.Unavailable { Problem: var problem } => Of(problem),
        SignInResult.Rejected { Violation: var violation } => new(ExitCodes.ProtocolViolation, Sentence(violation.Expected, violation.Actual), RemedyOf(violation.Code, violation.Remedy)),
        _ => null,
    };

    private static Failure Of(ClientException exception) => exception switch
    {
        SignInRequiredException required => Of(required),
        AuthorizationServerUnavailableException { RetryAfter: { } wait } => new(ExitCodes.Unavailable, $"The server did not answer: {exception.Actual}.", $"Try again in {Math.Ceiling(wait.TotalSeconds):F0} s; nothing was lost."),
        AuthorizationServerUnavailableException { Retryable: false } => new(ExitCodes.ProtocolViolation, Sentence(exception.Expected, exception.Actual), exception.Remedy),
        AuthorizationServerUnavailableException => new(ExitCodes.Unavailable, $"The server did not answer: {exception.Actual}.", "Check its address and that it runs, or try again later; nothing was lost."),
        TokenStoreException => new(ExitCodes.TokenStore, Sentence(exception.Expected, exception.Actual), RemedyOf(exception.Code, exception.Remedy)),
        _ => new(ExitCodes.ProtocolViolation, Sentence(exception.Expected, exception.Actual), RemedyOf(exception.Code, exception.Remedy)),
    };

    // Where the library names an option of its own, the program has one that is typed.
    private static string RemedyOf(string code, string remedy) => code switch
    {
        "pkce_not_advertised" => "If you know that this server enforces S256 all the same, say --accept-unadvertised-pkce.",
        "redirect_shared" => "Register a path of its own with this server, such as /callback/second, and sign in with: --redirect-path /callback/second",
        "callback_by_get" => "If this server cannot post its answers, say --response-mode query.",
        "response_mode" => "Say --response-mode query with this server.",
        "dpop_not_advertised" => "Sign in without --dpop at this server: say --dpop=false.",
        "token_store_missing" => remedy
            .Replace(KeychainKey.OrFile, "Or choose an encrypted file with a passphrase or a key file (--store file).", StringComparison.Ordinal)
            .Replace(KeychainKey.AtAnotherPlace, "The session that is there needs it: until then use another profile (-p); if the keychain is gone for good, remove the file and sign in again.", StringComparison.Ordinal),
        "token_store_other_backend" => "Use it as it was made, or move the session by command (proofkey store move); if its key is gone for good, remove the file and sign in again. It was left as it is.",
        "token_not_bound" => "Tell whoever runs the server, or say --dpop=false to take bearer tokens from it.",
        _ => remedy,
    };

    // Whichever endpoint says it: a server that takes pushed requests does so before anybody signs in.
    private static string RemedyOf(OAuthError? error, string remedy) => error?.Code == "invalid_dpop_proof" ? BindTokens : remedy;

    private static Failure Of(SignInRequiredException required) => required.Reason switch
    {
        SignInRequiredReason.TimedOut => new(ExitCodes.TimedOut, "Nobody finished the sign-in in time.", SignInAgain),
        SignInRequiredReason.UserDenied => new(ExitCodes.Cancelled, "You declined in the browser.", SignInAgain),
        SignInRequiredReason.NoPort or SignInRequiredReason.NoDeviceGrant or SignInRequiredReason.NoRefreshToken => new(ExitCodes.Failed, Sentence(required.Expected, required.Actual), required.Remedy),
        SignInRequiredReason.Refused => new(ExitCodes.Refused, $"{Capital(required.Actual)}.", RemedyOf(required.Error, required.Remedy)),
        _ => new(ExitCodes.SignInNeeded, $"{Capital(required.Actual)}.", SignInAgain),
    };

    private static string Sentence(string expected, string actual) => $"Expected {expected}, but {actual}.";

    private static string Capital(string text) => string.Concat(char.ToUpperInvariant(text[0]).ToString(), text.AsSpan(1));
}
