#:project ../src/ProofKey.Client/ProofKey.Client.csproj

// Document 003 signs in with a vendor's SDK in three steps. The same three steps with ProofKey.Client, against any server:
//
//   dotnet run samples/document-003.cs -- http://127.0.0.1:8080 CLIENT_ID https://your-app.example/callback
//
// The document leaves four things to its reader, and gets them wrong in its own code: how to make the verifier, how to make the
// challenge, to name the method, and to draw a state. Here there is nothing to get wrong: none of them can be set.

using ProofKey;
using ProofKey.Client;

if (args is not [var issuer, var clientId, var redirectUri])
{
    Console.Error.WriteLine("Usage: dotnet run samples/document-003.cs -- ISSUER CLIENT_ID REDIRECT_URI");
    return 2;
}

await using var client = new PublicClient(new ClientOptions
{
    Issuer = Issuer.Parse(issuer),
    ClientId = clientId,
    Redirect = new Redirect.ClaimedHttps(RedirectUri.Parse(redirectUri)),
    Scope = Scope.Parse("openid profile email"),
});

try
{
    // 1. The authorization URL, with a fresh verifier behind it.
    await using var pending = await client.BeginAsync();
    Console.WriteLine($"Open this address in a browser: {pending.AuthorizeUri.AbsoluteUri}");

    // 2. The exchange: the answer is matched to this request, and the code redeemed with the verifier.
    Console.Write("Paste the address that it ended at: ");
    if (!Uri.TryCreate(Console.ReadLine(), UriKind.Absolute, out var answer)) return Say(2, "That is not an address.");

    // 3. The errors, and these are all there are.
    return await pending.CompleteAsync(answer) switch
    {
        SignInResult.SignedIn { Session: var session } => Say(0, $"Signed in as {session.Subject}."),
        SignInResult.Cancelled { Reason: var reason } => Say(9, $"Not signed in: {reason}."),
        SignInResult.Refused { Error: var error } => Say(5, $"The server refused: {error.Code}."),
        SignInResult.Unavailable { Problem: var problem } => Say(6, problem.Remedy),
        SignInResult.Rejected { Violation: var violation } => Say(7, $"This is not an answer to our request: {violation.Code}."),
        _ => 1,
    };
}
catch (ClientException problem)
{
    return Say(6, problem.Message);
}

static int Say(int exitCode, string sentence)
{
    Console.WriteLine($"\n{sentence}");
    return exitCode;
}
