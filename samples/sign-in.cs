#:project ../src/ProofKey.Client/ProofKey.Client.csproj

// Signs a person in with the browser, and calls an API as that person. The session is kept: the next run opens no browser.
//
//   proofkey client add "My app" --public --redirect-uri http://127.0.0.1/callback --data ./data \
//       --scope "openid profile orders.read" --audience https://api.example.com/
//   dotnet run samples/sign-in.cs -- http://127.0.0.1:8080 CLIENT_ID http://127.0.0.1:5001/

using ProofKey;
using ProofKey.Client;

if (args is not [var issuer, var clientId, var address])
{
    Console.Error.WriteLine("Usage: dotnet run samples/sign-in.cs -- ISSUER CLIENT_ID API");
    return 2;
}

await using var client = new PublicClient(new ClientOptions
{
    Issuer = Issuer.Parse(issuer),
    ClientId = clientId,
    Scope = Scope.Parse("openid profile orders.read"),
    Store = TokenStore.OfThisSystem("proofkey-sample"),
});
try
{
    var session = await client.GetSessionAsync();
    using var api = session.CreateHttpClient(onlyFor: new Uri(address));
    Console.WriteLine(await api.GetStringAsync("orders"));
    return 0;
}
catch (ClientException problem)
{
    // It says what was expected, what came, and what to do about it; never a secret.
    Console.Error.WriteLine(problem.Message);
    return 1;
}
