using System.Net;
using System.Net.Security;
using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
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

    public static void Whole(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddProofKey(issuer: "https://login.example.com", audience: "https://orders.example.com/");
        builder.Services.AddControllers();
        var app = builder.Build();
        app.MapGet("/orders", (ClaimsPrincipal user) => $"The orders of {user.Identity!.Name}").RequireScope("orders.read");
        app.MapControllers();
        app.Run();
    }

    public static void PublicAddress(WebApplicationBuilder builder)
    {
        builder.Services.AddProofKey("https://login.example.com", "https://orders.example.com/", options => options.PublicAddress = new Uri("https://orders.example.com"));
    }

    public static void Forwarded(WebApplicationBuilder builder)
    {
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            options.KnownProxies.Add(IPAddress.Parse("10.0.0.2"));
        });
        var app = builder.Build();
        app.UseForwardedHeaders();
        app.UseAuthentication();            // written out, or it runs before the line above
        app.UseAuthorization();
    }

    public static void Keys(WebApplicationBuilder builder, SslClientAuthenticationOptions trust)
    {
        builder.Services.AddProofKey("https://login.example.com", "https://orders.example.com/", options =>
        {
            options.MetadataAddress = new Uri("https://login.internal.example/.well-known/oauth-authorization-server");   // where the app reaches the issuer
            options.BackchannelHttpHandler = new SocketsHttpHandler { AllowAutoRedirect = false, SslOptions = trust };    // a private certificate authority, or a proxy
            options.ClockSkew = TimeSpan.FromSeconds(10);
        });
    }

    public static void Pages(WebApplicationBuilder builder)
    {
        builder.Services.AddCors(options => options.AddDefaultPolicy(policy => policy
            .WithOrigins("https://app.example.com")
            .WithMethods("GET", "POST")
            .WithHeaders("authorization", "dpop", "content-type")
            .WithExposedHeaders("WWW-Authenticate")));
        var app = builder.Build();
        app.UseCors();                      // before the token is looked at, so that a page can read refusals too
        app.UseAuthentication();
        app.UseAuthorization();
    }
}

[ApiController]
[Route("bills")]
[RequireScope("orders.read")]
public sealed class BillsController : ControllerBase
{
    [HttpGet]
    public string Read() => "The bills of " + User.FindFirstValue("sub");

    [HttpPost]
    [RequireScope("orders.write")]      // and orders.read
    public IActionResult Write() => NoContent();
}
