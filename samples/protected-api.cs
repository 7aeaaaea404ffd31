#:sdk Microsoft.NET.Sdk.Web
#:project ../src/ProofKey.ResourceServer/ProofKey.ResourceServer.csproj

// An API that lets in whoever brings an access token for it with the scope orders.read:
//
//   proofkey client add "My app" … --scope "openid profile orders.read" --audience https://api.example.com/
//   dotnet run samples/protected-api.cs -- http://127.0.0.1:8080 https://api.example.com/ --urls http://127.0.0.1:5001

using System.Security.Claims;
using ProofKey.ResourceServer;

if (args is not [var issuer, var audience, .. var rest])
{
    Console.Error.WriteLine("Usage: dotnet run samples/protected-api.cs -- ISSUER AUDIENCE [--urls URL]");
    return 2;
}

var builder = WebApplication.CreateBuilder(rest);
builder.Services.AddProofKey(issuer, audience);

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapGet("/orders", (ClaimsPrincipal user) => $"The orders of {user.FindFirstValue("sub")}.").RequireScope("orders.read");
app.Run();
return 0;
