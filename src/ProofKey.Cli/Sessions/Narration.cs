using ProofKey.Cli.Output;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>What the person at the terminal is told of what happens in the client.</summary>
internal static class Narration
{
    public static Action<ClientEvent> On(Terminal terminal) => happened =>
    {
        if (Sentence(happened) is { } sentence) terminal.Say(sentence);
    };

    private static string? Sentence(ClientEvent happened) => happened switch
    {
        ClientEvent.WaitingForTurn => "Another program asks for this very sign-in; waiting until it is done. Ctrl-C gives up.",
        ClientEvent.FolderOnNetwork { FileSystem: var kind } => $"The session is kept on {kind}; the locks of some such file systems hold nobody up. PROOFKEY_SESSIONS names a folder on a local disk.",
        ClientEvent.QueryAskedInstead => "The server does not post its answers, so it was asked again.",
        ClientEvent.PollFailed { Code: var code, Wait: var wait } => $"The server did not answer ({code}); asking again in {wait.TotalSeconds:F0} s.",
        _ => null,
    };
}
