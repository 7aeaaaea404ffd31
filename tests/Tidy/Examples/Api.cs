using Microsoft.AspNetCore.Builder;
using ProofKey.ResourceServer;

namespace Tidy.Examples;

internal static class Api
{
    public static void Readme(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddProofKey(issuer: "http://127.0.0.1:8080", audience: "https://api.example.com/");
        var app = builder.Build();
        app.MapGet("/orders", () => "three").RequireScope("orders.read");
        app.Run();
    }
}
