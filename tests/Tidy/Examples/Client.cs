using ProofKey;
using ProofKey.Client;

namespace Tidy.Examples;

internal static class Client
{
    public static async Task Readme()
    {
        await using var client = new PublicClient(new ClientOptions
        {
            Issuer = Issuer.Parse("http://127.0.0.1:8080"),
            ClientId = "the id that client add printed",
            Scope = Scope.Parse("openid profile offline_access orders.read"),
            Store = TokenStore.OfThisSystem("my-app"),
        });

        var session = await client.GetSessionAsync();     // opens the browser only when it must
        Console.WriteLine($"Signed in as {session.Subject}");

        using var api = session.CreateHttpClient(onlyFor: new Uri("https://api.example.com/"));
        Console.WriteLine(await api.GetStringAsync("orders"));
    }

    public static async Task<int> UsingSessions(PublicClient client, Uri onlyFor)
    {
        if (await client.FindSessionAsync() is not { } session)
        {
            Console.Error.WriteLine("Nobody is signed in.");
            return 4;
        }

        var person = await session.GetUserInfoAsync();
        Console.WriteLine($"{session.Subject}, {(person.TryGetProperty("email", out var email) ? email.GetString() : "no address")}, {session.Scope}");

        using var api = new HttpClient(new TokenHandler(session, onlyFor, new SocketsHttpHandler { AllowAutoRedirect = false })) { BaseAddress = onlyFor };
        Console.WriteLine(await api.GetStringAsync("orders"));

        var ended = await session.SignOutAsync();
        if (!ended.Revoked) Console.Error.WriteLine(ended.Problem);     // the tokens end by themselves
        return 0;
    }

    public static async Task SigningIn()
    {
        var orders = await ProtectedResource.DiscoverAsync(new Uri("https://api.example.com/orders"));   // or of the refusal: DiscoverAsync(response)
        await using var client = new PublicClient(orders.OptionsFor("my-app") with { Store = TokenStore.OfThisSystem("my-app") });
        using var api = orders.CreateHttpClient(await client.GetSessionAsync());
    }

    public static async Task Pitfalls(PublicClient client, CancellationToken cancel)
    {
        // 1. The authorization URL. Verifier, challenge, method, state and nonce are made here, and none of them can be set.
        await using var pending = await client.BeginAsync(cancel);
        await pending.OpenBrowserAsync(cancel);

        // 2. The exchange. Path, state and iss are compared first; then the code goes out with its verifier, and the ID token is checked.
        var result = await pending.CompleteAsync(cancel);

        // 3. The errors. These five and no others.
        Console.WriteLine(result switch
        {
            SignInResult.SignedIn { Session: var session } => $"Signed in as {session.Subject}.",
            SignInResult.Cancelled { Reason: var reason } => $"Nobody signed in: {reason}.",
            SignInResult.Refused { Error: var error } => $"The server said no: {error.Code}.",
            SignInResult.Unavailable { Problem: var problem } => $"Try again later. {problem.Remedy}",
            SignInResult.Rejected { Violation: var violation } => $"Not a safe answer: {violation.Code}.",
            _ => "",
        });
    }
}
