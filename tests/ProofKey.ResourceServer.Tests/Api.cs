using System.Net.Http.Headers;
using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ProofKey.ResourceServer.Tests;

/// <summary>A protected API on a real socket.</summary>
internal sealed class Api : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Api(WebApplication app, LogRecorder log)
    {
        _app = app;
        Log = log;
        Http = new HttpClient(new OverheardHttp(new SocketsHttpHandler())) { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public LogRecorder Log { get; }

    public HttpClient Http { get; }

    public static async Task<Api> StartAsync(TestIssuer issuer, Action<ResourceServerOptions>? configure = null, Action<WebApplication>? pipeline = null) =>
        await StartAsync(issuer.Issuer, options =>
        {
            options.TimeProvider = issuer.Time;
            configure?.Invoke(options);
        }, pipeline);

    /// <param name="issuer">Whose tokens it takes.</param>
    /// <param name="configure">Its options.</param>
    /// <param name="pipeline">What stands before its endpoints; by default CORS, authentication and authorization.</param>
    public static async Task<Api> StartAsync(Issuer issuer, Action<ResourceServerOptions>? configure = null, Action<WebApplication>? pipeline = null)
    {
        var log = new LogRecorder();
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(log);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // Far above Kestrel's own limit, so that it is ours that counts.
            kestrel.Limits.MaxRequestBufferSize = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = 4 * 1024 * 1024;
        });
        builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy.WithOrigins("https://app.example.com").WithHeaders("authorization")));
        builder.Services.AddProofKey(issuer, TestIssuer.Audience, configure);
        var app = builder.Build();
        (pipeline ?? Usual)(app);
        Map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new Api(app, log);
    }

    public Task<HttpResponseMessage> GetAsync(string path, string? token = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return SendAsync(request);
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => Http.SendAsync(request, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private static void Usual(WebApplication app)
    {
        app.UseCors();
        app.UseAuthentication();
        app.UseAuthorization();
    }

    private static void Map(WebApplication app)
    {
        app.MapGet("/orders", (ClaimsPrincipal user) => $"orders of {user.Identity!.Name}").RequireScope("orders.read");
        app.MapGet("/orders/all", () => "all orders").RequireScope("orders.read orders.write");
        app.MapGet("/orders/attribute", [RequireScope("orders.write")] () => "written");
        app.MapGet("/public", (ClaimsPrincipal user) => user.Identity?.Name ?? "nobody");
        app.MapGet("/claims", (ClaimsPrincipal user) => string.Join('\n', user.Claims.Select(claim => $"{claim.Type}={claim.Value}"))).RequireAuthorization();
        app.MapGet("/admin", () => "admin").RequireAuthorization(new AuthorizeAttribute { Roles = "admin" });
        app.MapGet("/cached", (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            return "catalogue";
        }).RequireScope("orders.read");
        app.MapPost("/form", async (HttpContext context) =>
        {
            var form = await context.Request.ReadFormAsync(context.RequestAborted);
            return form["note"].ToString();
        }).RequireScope("orders.read");
        app.MapPost("/raw", async (HttpContext context) =>
        {
            using var reader = new StreamReader(context.Request.Body);
            return await reader.ReadToEndAsync(context.RequestAborted);
        }).RequireScope("orders.read");
    }
}
