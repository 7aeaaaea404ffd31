using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ProofKey.Server.Tests.Support;

/// <summary>A host on loopback that publishes what a test says, and counts how often it was asked.</summary>
internal sealed class KeyHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _asked;

    private KeyHost(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single() + "/jwks.json";

    public int Asked => _asked;

    public RequestDelegate Answer { get; set; } = _ => Task.CompletedTask;

    public static async Task<KeyHost> StartAsync(string json)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").UseKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var host = new KeyHost(builder.Build());
        host.Publish(json);
        host._app.Run(context =>
        {
            Interlocked.Increment(ref host._asked);
            return host.Answer(context);
        });
        await host._app.StartAsync();
        return host;
    }

    public void Publish(string json) => Answer = context =>
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    };

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
