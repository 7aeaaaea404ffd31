using ProofKey.Cli.Output;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>One sign-in by a person at a browser, with what the terminal says meanwhile.</summary>
internal sealed class InteractiveSignIn(PublicClient client, Terminal terminal)
{
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(30);

    /// <summary>Signs in. The address is told before any browser opens, so that the person can take it elsewhere.</summary>
    /// <param name="opensBrowser">Whether to open one.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="CommandException">It came to nothing.</exception>
    public async Task<Session> RunAsync(bool opensBrowser, CancellationToken cancellation)
    {
        await using var pending = await client.BeginAsync(cancellation);
        terminal.Say(opensBrowser ? "Sign in in the browser. If none opens, go to:" : "To sign in, go to:");
        terminal.Say(pending.AuthorizeUri.AbsoluteUri);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] meanwhile = [HintAsync(waiting.Token), opensBrowser ? OpenAsync(pending, waiting.Token) : Task.CompletedTask];
        try
        {
            var result = await pending.CompleteAsync(cancellation);
            return result is SignInResult.SignedIn signedIn ? signedIn.Session : throw Failed(Failure.Of(result)!);
        }
        finally
        {
            await waiting.CancelAsync();
            await Task.WhenAll(meanwhile).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task OpenAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        if (!await pending.OpenBrowserAsync(cancellation)) terminal.Say("No browser could be opened here: open the address yourself.");
    }

    private async Task HintAsync(CancellationToken cancellation)
    {
        await Task.Delay(LongWait, client.Options.TimeProvider, cancellation);
        terminal.Say("Still waiting for the browser. If its window was closed, open the address above again; if it shows an error, Ctrl-C gives up.");
    }

    private static CommandException Failed(Failure failure) => new(failure.ExitCode, failure.Problem, failure.Remedy);
}
