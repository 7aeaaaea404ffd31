using ProofKey.Cli.Output;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>A sign-in in a browser, here or elsewhere. In both cases the listener listens: a port may be forwarded to it.</summary>
internal sealed class BrowserRoad(PublicClient client, Terminal terminal, Keyboard? keyboard, SignInChoice choice, Surroundings surroundings)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    public async Task<RoadEnd> RunAsync(SignInRoad road, string reason, CancellationToken cancellation)
    {
        if (road == SignInRoad.Paste && client.Options.ResponseMode == ResponseMode.FormPost)
            throw CommandException.Usage("What is pasted is an address, and --response-mode form_post asks for none.", "Say --browser, or --response-mode auto, with proofkey login.");
        var (begun, closed) = await InteractiveSignIn.BeginAsync(road, client.BeginAsync(road, choice.StepUp, cancellation));
        if (begun is null) return closed;
        await using var pending = begun;
        if (pending.SignedInMeanwhile is { } session) return new RoadEnd(session, road);
        Tell(pending, reason);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        List<Task> meanwhile = [HintAsync(pending, waiting.Token), RenewAsync(pending, waiting.Token)];
        if (road == SignInRoad.Browser) meanwhile.Add(OpenAsync(pending, waiting.Token));
        try
        {
            return await FirstAsync(pending, waiting.Token);
        }
        finally
        {
            await waiting.CancelAsync();
            await Task.WhenAll(meanwhile).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // The browser's answer or the person's key, whichever comes first.
    private async Task<RoadEnd> FirstAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        var answer = pending.CompleteAsync(cancellation);
        var typed = keyboard is null ? null : TypedAsync(keyboard, pending, cancellation);
        if (typed is not null && await Task.WhenAny(answer, typed) == typed && !cancellation.IsCancellationRequested && await typed is { } end) return end;
        return new RoadEnd(InteractiveSignIn.SessionOf(await answer), pending.Road);
    }

    // What is pasted ends the wait of the listener too, so that its answer is the one that counts.
    private async Task<RoadEnd?> TypedAsync(Keyboard keys, PendingSignIn pending, CancellationToken cancellation)
    {
        while (true)
        {
            var offered = InteractiveSignIn.KeysOf(pending.Road, client.Options, choice);
            var typed = await keys.NextAsync(offered, takesLines: pending.Road == SignInRoad.Paste, cancellation);
            if (typed.Length == 1 && offered.Contains(typed[0])) return new RoadEnd(null, InteractiveSignIn.RoadOf(typed[0]));
            var result = await TakeAsync(pending, typed, cancellation);
            if (result is not SignInResult.Rejected { Violation: { Code: "callback_not_ours" } violation }) return null;
            terminal.Say($"That is not it: expected {violation.Expected}, but {PlainText.Of(violation.Actual)}. Paste it again:");
        }
    }

    private static async Task<SignInResult?> TakeAsync(PendingSignIn pending, string pasted, CancellationToken cancellation)
    {
        try
        {
            return await pending.CompleteAsync(pasted, cancellation);
        }
        catch (InvalidOperationException)
        {
            // The listener had its answer already, over a forwarded port.
            return null;
        }
    }

    // The address comes before any browser, so that the person can take it elsewhere.
    private void Tell(PendingSignIn pending, string reason)
    {
        terminal.Say(pending.Road == SignInRoad.Browser ? $"Sign in in the browser, since {reason}. If none opens, go to:" : $"Sign in in a browser elsewhere, since {reason}. Go to:");
        terminal.Say(pending.AuthorizeUri);
        if (choice.ShowsQr) terminal.ShowQr(pending.AuthorizeUri, mustShow: true);
        if (pending.Road == SignInRoad.Paste) TellOfTheEnd(pending);
        if (keyboard is not null) terminal.Say(Keys(pending));
        if (keyboard is not null && pending.Road == SignInRoad.Paste) terminal.Say("Paste the address here, and press Enter (it is not shown):");
    }

    private string Keys(PendingSignIn pending) => InteractiveSignIn.Offered(InteractiveSignIn.KeysOf(pending.Road, client.Options, choice));

    private void TellOfTheEnd(PendingSignIn pending)
    {
        var port = new Uri(pending.RedirectUri).Port;
        terminal.Say(keyboard is not null ? $"It ends at {pending.RedirectUri}?..., which cannot be opened there: copy the whole address out of the browser."
            : $"It ends at {pending.RedirectUri}?..., which can be opened there only if the port {port} leads to this machine: there is no terminal here to paste it at.");
        if (!surroundings.IsSsh) return;
        terminal.Say(keyboard is not null ? "Or let it be opened: first run, where the browser is:" : "Let it lead here: first run, where the browser is:");
        terminal.SayInOnePiece($"ssh -L {port}:127.0.0.1:{port} {surroundings.SshHost ?? "HOST"}");
    }

    private async Task OpenAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        try
        {
            if (!await pending.OpenBrowserAsync(cancellation)) terminal.Say("No browser could be opened here: open the address yourself.");
        }
        catch (ClientException ended)
        {
            terminal.Say($"No browser was opened: {PlainText.Of(ended.Actual)}. Open the address yourself, or press Ctrl-C and try again.");
        }
    }

    private async Task HintAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        await Task.Delay(InteractiveSignIn.LongWait, client.Options.TimeProvider, cancellation);
        terminal.Say("Still waiting for the browser. If its window was closed, open the address above again.");
        terminal.Say($"If it shows an error and does not come back: asked were the client {PlainText.Of(client.Options.ClientId)}, the redirect URI {pending.RedirectUri} and the scope {client.Options.Scope}. {(keyboard is null ? "Ctrl-C gives up." : Keys(pending))}");
    }

    // RFC 9126 section 2.2: the reference in the address ends before people do
    private async Task RenewAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        while (pending.AuthorizeUriEndsAt is { } end)
        {
            var wait = end - client.Options.TimeProvider.GetUtcNow();
            if (wait > TimeSpan.Zero) await Task.Delay(wait, client.Options.TimeProvider, cancellation);
            if (await RenewedAsync(pending, cancellation) is not { } address) return;
            terminal.Say("Whoever has not opened that address yet comes too late with it. This one is good:");
            terminal.Say(address);
        }
    }

    // A server that is away for a moment is asked again, for as long as the person is waited for.
    private async Task<Uri?> RenewedAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                return await pending.RenewAuthorizeUriAsync(cancellation);
            }
            catch (AuthorizationServerUnavailableException away)
            {
                if (failures == 0) terminal.Say($"That address has ended, and there is no new one yet, since {PlainText.Of(away.Actual)}. It is tried again.");
                await Task.Delay(away.RetryAfter ?? Pause, client.Options.TimeProvider, cancellation);
            }
            catch (ClientException refused)
            {
                terminal.Say($"That address has ended, and there is no new one: {PlainText.Of(refused.Actual)}. Press Ctrl-C and try again.");
                return null;
            }
        }
    }
}
