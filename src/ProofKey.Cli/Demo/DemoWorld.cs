using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using ProofKey.Cli.Hosting;
using ProofKey.Server;

namespace ProofKey.Cli.Demo;

/// <summary>
/// All that the demo needs, in this process: a server on a free loopback port with its database in a temporary folder, an API, a public
/// client and a person. Nothing is left behind.
/// </summary>
internal sealed class DemoWorld : IAsyncDisposable
{
    public const string RedirectUri = "http://127.0.0.1/callback";
    public const string Scope = $"openid profile offline_access {DemoApi.Scope}";

    public const string UserName = "demo";

    private const int PortTries = 3;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-demo-");
    private WebApplication? _server;

    private DemoWorld()
    {
    }

    public Issuer Issuer { get; private set; } = null!;

    public DemoApi Api { get; private set; } = null!;

    public string ClientId { get; private set; } = "";

    public string Password { get; } = Secret.NewText(9);

    public static async Task<DemoWorld> StartAsync(CancellationToken cancellation)
    {
        var world = new DemoWorld();
        try
        {
            await world.StartServerAsync(cancellation);
            world.Api = await DemoApi.StartAsync(world.Issuer.Value, cancellation);
            await world.RegisterAsync();
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Api is not null) await Api.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    // The issuer holds the port, so it must be known first; another program may take it in between.
    private async Task StartServerAsync(CancellationToken cancellation)
    {
        var data = DataFolder.Open(_folder.FullName);
        for (var tries = 1; ; tries++)
        {
            var url = $"http://127.0.0.1:{FreePort()}";
            _server = ServerHost.Build(new ServeSettings { Data = data, Urls = [url] }, builder => builder.Logging.ClearProviders());
            try
            {
                await _server.StartAsync(cancellation);
                Issuer = Issuer.Parse(url);
                return;
            }
            catch (IOException taken) when (taken.InnerException is AddressInUseException && tries < PortTries)
            {
                await _server.DisposeAsync();
            }
        }
    }

    private async Task RegisterAsync()
    {
        var registry = _server!.Services.GetRequiredService<Registry>();
        var added = await registry.AddClientAsync(new ClientRegistration { Name = "Demo app", IsPublic = true, RedirectUris = [RedirectUri], Scope = Scope, Audience = DemoApi.Audience });
        ClientId = added.Client.Id;
        await registry.AddAccountAsync(UserName, Password, email: null, isAdmin: false);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
