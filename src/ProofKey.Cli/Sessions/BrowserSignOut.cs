using ProofKey.Cli.Output;
using ProofKey.Client;
using ProofKey.Client.Loopback;

namespace ProofKey.Cli.Sessions;

/// <summary>The server's own session in the person's browser, which a sign-out here leaves: where they end it is said, or opened.</summary>
internal sealed class BrowserSignOut(Terminal terminal, Uri? address)
{
    /// <summary>Says where, if there is such a place.</summary>
    public void Tell()
    {
        if (address is null) return;
        terminal.Say("Your browser may still be signed in there. To sign out of that too, go to:");
        terminal.Say(address);
    }

    /// <summary>Opens it where a sign-in would open a browser, else says where; that none opens is no failure of the sign-out.</summary>
    /// <param name="mayOpen">Whether anything may be opened.</param>
    /// <param name="cancellation">Ends the wait for the browser.</param>
    public async Task OpenAsync(bool mayOpen, CancellationToken cancellation)
    {
        if (address is null)
        {
            terminal.Say("No address is known at which this server signs a browser out: sign out on its own pages.");
            return;
        }
        var surroundings = Surroundings.OfThisProcess;
        var opens = mayOpen && surroundings.Road == SignInRoad.Browser;
        // The address comes before any browser, so that the person can take it elsewhere.
        terminal.Say(opens ? "Sign out in the browser too. If none opens, go to:"
            : $"Sign out in your browser too, which is not opened here, since {(mayOpen ? surroundings.Reason : "--no-input opens nothing")}. Go to:");
        terminal.Say(address);
        if (opens && !await BrowserLauncher.OfThisSystem.OpenAsync(address, cancellation)) terminal.Say("No browser could be opened here: open the address yourself.");
    }
}
