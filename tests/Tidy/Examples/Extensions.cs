using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ProofKey.Client;
using ProofKey.Client.Extensions;

namespace Tidy.Examples;

internal static class Extensions
{
    public static void DependencyInjection(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddProofKeyClient("contoso");          // from ProofKey:Clients:contoso
        builder.Services.AddHttpClient<Orders>(http => http.BaseAddress = new Uri("https://api.example.com/")).AddProofKeyToken("contoso");
        builder.Build().Run();
    }
}

internal sealed class Orders(HttpClient http)
{
    public Task<string> ReadAsync() => http.GetStringAsync("orders");
}

internal sealed class SignInButton([FromKeyedServices("contoso")] PublicClient client)
{
    // Stored, renewed, or new from the browser.
    public async Task<string?> PressAsync(CancellationToken cancel) => (await client.GetSessionAsync(cancel)).Subject;
}
