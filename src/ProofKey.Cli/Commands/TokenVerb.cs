using System.CommandLine;
using System.Text.Json;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey token</c>: prints a fresh access token.</summary>
internal sealed class TokenVerb : SessionVerb
{
    private readonly Option<string> _minValid = new("--min-valid") { HelpName = "TIME", Description = "How long the token must last at least, such as 5m. Without it: 60s." };
    private readonly Option<string> _output = new("--output", "-o") { HelpName = "token|header|json|env", Description = "The bare token, an Authorization header, JSON, or ACCESS_TOKEN=… Without it: token." };
    private readonly Option<bool> _interactive = new("--interactive") { Description = "Ask the person to sign in again when the session has ended." };

    public TokenVerb()
        : base(
            "token",
            "Print a fresh access token; it is refreshed when need be.",
            "proofkey token",
            "curl -H \"$(proofkey token -o header)\" https://api.example.com/orders",
            "proofkey token -p work --min-valid 5m -o json")
    {
        Add(_minValid);
        Add(_output);
        Add(_interactive);
        Add(CommonOptions.NoInput);
    }

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var form = invocation.Settings.Choice(_output, "token", "header", "json", "env");
        var minValid = invocation.Settings.Duration(_minValid, Session.DefaultMinValid);
        var (session, token) = await FreshAsync(invocation, open, minValid);
        if (session.IsBound) invocation.Terminal.Say("This token is bound to the key of its session: without a proof by it, such as proofkey call makes, no API takes it.");
        invocation.Terminal.Write(form switch
        {
            "header" => $"Authorization: {token.Type} {token.Reveal()}",
            "env" => $"ACCESS_TOKEN={token.Reveal()}",
            "json" => JsonSerializer.Serialize(new ShownToken(token.Reveal(), token.Type, token.ExpiresAt, session.Scope.ToString()), CliJson.Default.ShownToken),
            _ => token.Reveal(),
        });
        return ExitCodes.Done;
    }

    private async Task<(Session Session, AccessToken Token)> FreshAsync(Invocation invocation, OpenProfile open, TimeSpan minValid)
    {
        var session = invocation.Settings.Flag(_interactive) && !invocation.Settings.Flag(CommonOptions.NoInput)
            ? await open.Client.GetSessionAsync(cancel => new InteractiveSignIn(open.Client, invocation.Terminal, new SignInChoice()).RunAsync(cancel), invocation.Cancellation)
            : await open.SessionAsync(invocation.Cancellation);
        return (session, await session.GetAccessTokenAsync(minValid, invocation.Cancellation));
    }
}
