using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;

namespace ProofKey.Server.Tests.Support;

/// <summary>A second server with the issuer, the database and the keys of a running one.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Replica(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    /// <param name="server">The running one.</param>
    /// <param name="data">Another way to the same database.</param>
    public static async Task<Replica> StartAsync(RunningServer server, DataPlace? data = null)
    {
        var settings = new ServeSettings { Data = data ?? server.Settings.Data, Urls = ["http://127.0.0.1:0"], Issuer = server.Issuer, Time = server.Time };
        var app = ServerHost.Build(settings, builder => builder.Logging.ClearProviders());
        await app.StartAsync();
        return new Replica(app);
    }

    /// <summary>Posts a form to its token endpoint, or another one.</summary>
    public async Task<JsonAnswer> PostAsync(Dictionary<string, string> fields, string path = "/token")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Address + path) { Content = new FormUrlEncodedContent(fields) };
        return await TokenCalls.SendAsync(request);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
