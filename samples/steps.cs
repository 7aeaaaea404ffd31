#:project ../src/ProofKey.Client/ProofKey.Client.csproj

// Signs a person in step by step, for a program with a window of its own: it shows the address, may cancel, and tells each ending from the others.
//
//   proofkey client add "My app" --public --redirect-uri http://127.0.0.1/callback --data ./data
//   dotnet run samples/steps.cs -- http://127.0.0.1:8080 CLIENT_ID

using ProofKey;
using ProofKey.Client;

if (args is not [var issuer, var clientId])
{
    Console.Error.WriteLine("Usage: dotnet run samples/steps.cs -- ISSUER CLIENT_ID");
    return 2;
}

using var cancelling = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    cancelling.Cancel();
};
await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse(issuer), ClientId = clientId });
try
{
    // The listener is listening before there is an address.
    await using var pending = await client.BeginAsync(cancelling.Token);
    Console.Error.WriteLine($"Sign in at {pending.AuthorizeUri.AbsoluteUri}");
    await pending.OpenBrowserAsync(cancelling.Token);

    // Five endings and no others; the page in the browser says the same.
    return await pending.CompleteAsync(cancelling.Token) switch
    {
        SignInResult.SignedIn { Session: var session } => Say(0, $"Signed in as {session.Subject}."),
        SignInResult.Cancelled { Reason: CancelReason.TimedOut } => Say(3, "Nobody signed in in time."),
        SignInResult.Cancelled => Say(9, "The person said no."),
        SignInResult.Refused { Error: var error } => Say(5, $"The server said no: {error.Code}."),
        SignInResult.Unavailable { Problem: var problem } => Say(6, problem.Remedy),
        SignInResult.Rejected { Violation: var violation } => Say(7, $"Not a safe answer: {violation.Code}. {violation.Remedy}"),
        _ => 1,
    };
}
catch (OperationCanceledException)
{
    return Say(9, "Cancelled.");
}
catch (ClientException problem)
{
    return Say(6, problem.Message);
}

static int Say(int exitCode, string sentence)
{
    Console.WriteLine(sentence);
    return exitCode;
}
