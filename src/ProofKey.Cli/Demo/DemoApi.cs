using System.Security.Claims;
using ProofKey.ResourceServer;

namespace ProofKey.Cli.Demo;

/// <summary>A small protected API: it knows the issuer and its own name, and nothing of clients or people.</summary>
internal sealed class DemoApi : IAsyncDisposable
{
    /// <summary>Its name, which a token for it carries in <c>aud</c>.</summary>
    public const string Audience = "https://orders.example/";

    /// <summary>What a token for it must be good for.</summary>
    public const string Scope = "orders.read";

    private readonly WebApplication _app;

    private DemoApi(WebApplication app) => _app = app;

    /// <summary>The address of the orders.</summary>
    public Uri Orders => new($"{_app.Urls.Single()}/orders");

    public static async Task<DemoApi> StartAsync(string issuer, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, Args = ["--hostBuilder:reloadConfigOnChange=false"] });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddProofKey(issuer, Audience);
        var app = builder.Build();
        app.MapGet("/orders", (ClaimsPrincipal user) => $"2 orders of {user.FindFirstValue("sub")}").RequireScope(Scope);
        await app.StartAsync(cancellation);
        return new DemoApi(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
