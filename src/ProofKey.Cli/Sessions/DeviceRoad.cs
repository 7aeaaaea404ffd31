using ProofKey.Cli.Output;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>A sign-in by a code that the person enters elsewhere. Never taken unless it was asked for (RFC 8628 section 5.4).</summary>
internal sealed class DeviceRoad(PublicClient client, Terminal terminal, Keyboard? keyboard, SignInChoice choice)
{
    public async Task<RoadEnd> RunAsync(CancellationToken cancellation)
    {
        // RFC 8628 section 3.1: a device asks for a scope, and for nothing of the sign-in
        if (choice.StepUp is not null) throw CommandException.Usage("A device code cannot be asked for with --acr-values or --max-age.", "Leave out --device: sign in with a browser here, or with --no-browser.");
        var (begun, closed) = await InteractiveSignIn.BeginAsync(SignInRoad.Device, client.BeginDeviceAsync(cancellation));
        if (begun is null) return closed;
        await using var signIn = begun;
        if (signIn.SignedInMeanwhile is { } session) return new RoadEnd(session, SignInRoad.Device);
        Tell(signIn);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var answer = signIn.CompleteAsync(waiting.Token);
        var hint = HintAsync(signIn, waiting.Token);
        var key = keyboard?.NextAsync(Keys, takesLines: false, waiting.Token);
        try
        {
            if (key is not null && await Task.WhenAny(answer, key) == key && !cancellation.IsCancellationRequested) return new RoadEnd(null, InteractiveSignIn.RoadOf((await key)[0]));
            return new RoadEnd(InteractiveSignIn.SessionOf(await answer), SignInRoad.Device);
        }
        finally
        {
            await waiting.CancelAsync();
            await Task.WhenAll([answer, hint, .. key is null ? Array.Empty<Task>() : [key]]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private string Keys => InteractiveSignIn.KeysOf(SignInRoad.Device, client.Options, choice);

    private async Task HintAsync(DeviceSignIn signIn, CancellationToken cancellation)
    {
        await Task.Delay(InteractiveSignIn.LongWait, client.Options.TimeProvider, cancellation);
        terminal.Say($"Still waiting for the code {signIn.UserCode} to be entered at {PlainText.Of(signIn.VerificationUri.AbsoluteUri)}. It ends {TimeText.Relative(signIn.ExpiresAt, client.Options.TimeProvider.GetUtcNow())}.");
        terminal.Say(keyboard is null ? "Ctrl-C gives up." : InteractiveSignIn.Offered(Keys));
    }

    private void Tell(DeviceSignIn signIn)
    {
        // Cross-Device Flows BCP: whoever sends somebody a code gets their session
        terminal.Say("Enter this code only because you started this very command. Whoever asks you to enter a code that they sent gets into your account.");
        terminal.Say($"In a browser, go to {PlainText.Of(signIn.VerificationUri.AbsoluteUri)} and enter the code {signIn.UserCode}");
        if (signIn.VerificationUriComplete is { } complete)
        {
            terminal.Say("Or open this address, and see that it shows the same code:");
            terminal.Say(complete);
            terminal.ShowQr(complete, choice.ShowsQr);
        }
        terminal.Say($"The code ends {TimeText.Relative(signIn.ExpiresAt, client.Options.TimeProvider.GetUtcNow())}.");
        if (keyboard is not null) terminal.Say(InteractiveSignIn.Offered(Keys));
    }
}
