using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;

namespace ProofKey.Chaos.Support;

/// <summary>The program's own server in this process, on a clock that the test moves.</summary>
internal sealed class HostedServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HostedServer(WebApplication app, string address) => (_app, Address) = (app, address);

    public string Address { get; }

    public static async Task<HostedServer> StartAsync(DataPlace data, TimeProvider time)
    {
        var address = $"http://127.0.0.1:{ServerProcess.FreePort()}";
        var settings = new ServeSettings
        {
            Data = data,
            Urls = [address],
            Issuer = address,
            Time = time,
            // What comes over a wire of the test's own comes from one address.
            Configure = options => options.TriesPerMinute = options.RefusalsPerMinute = options.RequestsPerMinute = 1_000_000,
        };
        var app = ServerHost.Build(settings, builder => builder.Logging.ClearProviders());
        await app.StartAsync();
        return new HostedServer(app, address);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
