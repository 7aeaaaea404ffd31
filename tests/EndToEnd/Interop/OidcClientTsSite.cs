using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EndToEnd.Interop;

/// <summary>A page that signs people in with oidc-client-ts, on an origin of its own.</summary>
public sealed class OidcClientTsSite : IAsyncDisposable
{
    private readonly WebApplication _app;
    private string _settings = "";

    private OidcClientTsSite(WebApplication app) => _app = app;

    public string Origin => _app.Urls.Single();

    /// <summary>The page, which is its redirect URI too.</summary>
    public string Address => $"{Origin}/";

    public static async Task<OidcClientTsSite> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var site = new OidcClientTsSite(app);
        var library = Path.Combine(ThirdPartyClient.NodeModules, "oidc-client-ts", "dist", "browser", "oidc-client-ts.min.js");
        app.UseRouting();
        app.MapGet("/", () => TypedResults.PhysicalFile(Path.Combine(AppContext.BaseDirectory, "Interop", "oidc-client-ts.html"), "text/html"));
        app.MapGet("/oidc-client-ts.min.js", () => TypedResults.PhysicalFile(library, "text/javascript"));
        app.MapGet("/settings.json", () => TypedResults.Text(site._settings, "application/json"));
        app.UseEndpoints(_ => { });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return site;
    }

    /// <summary>Says which client the page is, which can be done only when the client is registered with the origin of this site.</summary>
    public void Configure(string issuer, string clientId, bool dpop = false) => _settings = JsonSerializer.Serialize(new
    {
        authority = issuer,
        client_id = clientId,
        redirect_uri = Address,
        post_logout_redirect_uri = Address,
        scope = "openid profile email offline_access",
        // It asks for userinfo with the token as a bearer token, also where that is bound to a key, and is rightly refused.
        loadUserInfo = !dpop,
        automaticSilentRenew = false,
        dpop,
    });

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
