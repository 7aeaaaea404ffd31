#:project ../src/ProofKey.Client/ProofKey.Client.csproj

// A command-line tool that signs a person in wherever it runs: with the browser of this machine, with one elsewhere, or by a code.
//
//   proofkey client add "My tool" --public --redirect-uri http://127.0.0.1/callback --device --data ./data
//   dotnet run samples/command-line-tool.cs -- http://127.0.0.1:8080 CLIENT_ID [--device]
//
// Where there is no keychain, as on most machines that one reaches over SSH, name a file with 32 random bytes in MY_TOOL_KEY_FILE.

using ProofKey;
using ProofKey.Client;

if (args is not [var issuer, var clientId, .. var rest] || rest is not ([] or ["--device"]))
{
    Console.Error.WriteLine("Usage: dotnet run samples/command-line-tool.cs -- ISSUER CLIENT_ID [--device]");
    return 2;
}

using var cancelling = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    cancelling.Cancel();
};
try
{
    await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse(issuer), ClientId = clientId, Store = Store() });
    // What asks is called only when a person is needed, and in one program at a time.
    var session = await client.GetSessionAsync(ending => rest.Contains("--device") ? ByCodeAsync(client, ending) : InBrowserAsync(client, ending), cancelling.Token);
    Console.WriteLine($"Signed in as {session.Subject}.");
    return 0;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Cancelled.");
    return 9;
}
catch (ClientException problem)
{
    Console.Error.WriteLine(problem.Message);
    return problem is SignInRequiredException { Reason: SignInRequiredReason.UserDenied } ? 9 : 1;
}

static TokenStore Store() => Environment.GetEnvironmentVariable("MY_TOOL_KEY_FILE") is { Length: > 0 } file
    ? TokenStore.EncryptedFile(TokenStore.DefaultFolder("my-tool"), VaultKey.OfFile(file))
    : TokenStore.OfThisSystem("my-tool");

static async Task<Session> InBrowserAsync(PublicClient client, CancellationToken ending)
{
    var here = Surroundings.OfThisProcess;
    await using var pending = await client.BeginAsync(here.Road, ending);
    if (pending.SignedInMeanwhile is { } session) return session;                  // in another program
    var answer = pending.CompleteAsync(ending);                                    // the listener listens on both roads
    Console.Error.WriteLine($"Sign in at {pending.AuthorizeUri.AbsoluteUri}");
    if (here.Road == SignInRoad.Paste) _ = TakePastedAsync(pending, here.Reason, ending);
    else if (!await pending.OpenBrowserAsync(ending)) Console.Error.WriteLine("No browser could be opened: open that address yourself.");
    return (await answer).SessionOrThrow();
}

// What is pasted ends the wait of the listener too, and its answer is the one of this sign-in. A line that comes too late is not looked at.
static async Task TakePastedAsync(PendingSignIn pending, string reason, CancellationToken ending)
{
    Console.Error.WriteLine($"Open it in a browser elsewhere, since {reason}, and paste the address that it ends at. An empty line brings the address above anew.");
    try
    {
        while (await Task.Run(Console.ReadLine, ending) is { } line)
        {
            if (line.Length == 0) Console.Error.WriteLine((await pending.RenewAuthorizeUriAsync(ending)).AbsoluteUri);
            else if (await pending.CompleteAsync(line, ending) is SignInResult.Rejected { Violation: { Code: "callback_not_ours" } other }) Console.Error.WriteLine($"That is not it: {other.Actual}. Paste it again:");
            else return;
        }
    }
    catch (Exception ended) when (ended is OperationCanceledException or InvalidOperationException or ClientException)
    {
        // The listener has the answer, or the reason why there is none.
    }
}

// Only where the person asked for it: whoever talks somebody into entering a code gets their session.
static async Task<Session> ByCodeAsync(PublicClient client, CancellationToken ending)
{
    await using var pending = await client.BeginDeviceAsync(ending);
    if (pending.SignedInMeanwhile is { } session) return session;
    Console.Error.WriteLine($"Open {pending.VerificationUri.AbsoluteUri} and enter {pending.UserCode}. Enter no code that somebody sent you.");
    return (await pending.CompleteAsync(ending)).SessionOrThrow();
}
