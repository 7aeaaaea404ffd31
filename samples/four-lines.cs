#:project ../src/ProofKey.Client/ProofKey.Client.csproj

// Signs a person in and calls an API, in four lines. The session is kept in this system's own place: the next run opens no browser.
//
//   proofkey client add "My app" --public --redirect-uri http://127.0.0.1/callback --data ./data
//   dotnet run samples/four-lines.cs -- http://127.0.0.1:8080 CLIENT_ID http://127.0.0.1:8080/userinfo

using ProofKey;
using ProofKey.Client;

await using var client = new PublicClient(new() { Issuer = Issuer.Parse(args[0]), ClientId = args[1], Store = TokenStore.OfThisSystem("four-lines") });
var session = await client.GetSessionAsync();
using var api = session.CreateHttpClient(onlyFor: new Uri(args[2]));
Console.WriteLine(await api.GetStringAsync(""));
