using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;

namespace EndToEnd;

/// <summary>The folder samples/browser on a real socket, with a config.js for this run.</summary>
public sealed class BrowserSampleSite : IAsyncDisposable
{
    private readonly WebApplication _app;
    private string _config = "";

    private BrowserSampleSite(WebApplication app) => _app = app;

    /// <summary>The origin of the page, e.g. <c>http://127.0.0.1:5173</c>.</summary>
    public string Origin => _app.Urls.Single();

    /// <summary>The page, which is its redirect URI too.</summary>
    public string Address => $"{Origin}/";

    public static async Task<BrowserSampleSite> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var site = new BrowserSampleSite(app);

        app.UseRouting();
        app.UseFileServer(new FileServerOptions { FileProvider = new PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "samples", "browser")) });
        app.MapGet("/config.js", () => TypedResults.Text(site._config, "text/javascript"));
        app.UseEndpoints(_ => { });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return site;
    }

    /// <summary>Writes config.js, which can be done only when the client is registered with the origin of this site.</summary>
    public void Configure(string issuer, string clientId, Uri? api = null) =>
        _config = $"export const config = {JsonSerializer.Serialize(new { issuer, clientId, scope = "openid profile email", api = api?.AbsoluteUri ?? "" })};";

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
