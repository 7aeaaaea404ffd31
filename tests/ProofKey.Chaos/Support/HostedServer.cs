using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;

namespace ProofKey.Chaos.Support;

/// <summary>The program's own server in this process, on a clock that the test moves.</summary>
internal sealed class HostedServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HostedServer(WebApplication app, string address) => (_app, Address) = (app, address);

    public string Address { get; }

    /// <summary>Starts it.</summary>
    /// <param name="data">Where its rows are.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="address">Where it listens; anywhere unless a test says so.</param>
    /// <param name="issuer">The issuer, where it is not the server's own address.</param>
    public static async Task<HostedServer> StartAsync(DataPlace data, TimeProvider time, string? address = null, string? issuer = null)
    {
        address ??= $"http://127.0.0.1:{ServerProcess.FreePort()}";
        var settings = new ServeSettings
        {
            Data = data,
            Urls = [address],
            Issuer = issuer ?? address,
            Time = time,
            // What comes over a wire of the test's own comes from one address.
            Configure = options => options.TriesPerMinute = options.RefusalsPerMinute = options.RequestsPerMinute = 1_000_000,
        };
        var app = ServerHost.Build(settings, builder => builder.Logging.ClearProviders().AddProvider(new WitnessLog()));
        await app.StartAsync();
        return new HostedServer(app, address);
    }

    /// <summary>A part of it.</summary>
    public T Of<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
