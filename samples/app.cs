#:package Microsoft.Extensions.Hosting
#:project ../src/ProofKey.Client.Extensions/ProofKey.Client.Extensions.csproj

// An app with dependency injection. The client comes from the configuration, here from arguments, and each HTTP client of its API has a token:
//
//   proofkey client add "My app" --public --redirect-uri http://127.0.0.1/callback --data ./data \
//       --scope "openid profile orders.read" --audience https://api.example.com/
//   dotnet run samples/app.cs -- --Api http://127.0.0.1:5001/ \
//       --ProofKey:Clients:contoso:Issuer http://127.0.0.1:8080 --ProofKey:Clients:contoso:ClientId CLIENT_ID \
//       --ProofKey:Clients:contoso:Scope "openid orders.read" --ProofKey:Clients:contoso:Application proofkey-app

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ProofKey.Client;
using ProofKey.Client.Extensions;

var builder = Host.CreateApplicationBuilder(args);
builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
builder.Services.AddProofKeyClient("contoso");
builder.Services.AddHttpClient<Orders>(http => http.BaseAddress = new Uri(builder.Configuration["Api"] ?? "https://api.example.com/")).AddProofKeyToken("contoso");
using var app = builder.Build();
try
{
    // A key that is wrong ends the app here, and is named with what to write.
    await app.StartAsync();
    // Requests ask nobody; this is where a person is asked, once.
    await app.Services.GetRequiredKeyedService<PublicClient>("contoso").GetSessionAsync();
    Console.WriteLine(await app.Services.GetRequiredService<Orders>().ReadAsync());
    await app.StopAsync();
    return 0;
}
catch (Exception problem) when (problem is ClientException or OptionsValidationException)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}

internal sealed class Orders(HttpClient http)
{
    public Task<string> ReadAsync() => http.GetStringAsync("orders");
}
