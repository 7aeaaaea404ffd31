using System.Diagnostics;
using ProofKey.Cli.Demo;
using ProofKey.Cli.Sessions;
using ProofKey.Server;

namespace ProofKey.Chaos.Support;

/// <summary>Somebody who has signed in at our server with <c>proofkey</c>, whose session many processes use.</summary>
internal sealed class SharedSession : IAsyncDisposable
{
    private const string Name = Profile.DefaultName;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-shared-");
    private readonly ServerData _data = new();
    private Operator? _operator;
    private HostedServer? _server;
    private CuttingProxy? _wire;

    private SharedSession()
    {
        File.WriteAllBytes(KeyFile, Secret.NewBytes(32));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Vault = new SharedVault(_folder.FullName, KeyFile);
    }

    /// <summary>The session.</summary>
    public SharedVault Vault { get; }

    private string KeyFile => Path.Combine(_folder.FullName, "key");

    /// <summary>Starts a server, and signs somebody in.</summary>
    /// <param name="loses">Which answers are lost on the way, told by the first line of the request.</param>
    public static async Task<SharedSession> StartAsync(Func<string, bool>? loses = null)
    {
        var world = new SharedSession();
        world._operator = await Operator.OpenAsync(world._data.Open());
        var (client, _) = await world._operator.Registry.AddClientAsync(
            new ClientRegistration { Name = "Terminal", IsPublic = true, RedirectUris = ["http://127.0.0.1/callback"] });
        // The wire is the server's public address, as a proxy is.
        var port = ServerProcess.FreePort();
        world._wire = new CuttingProxy(port, (request, _) => loses?.Invoke(request) == true);
        world._server = await HostedServer.StartAsync(world._data.Open(), TimeProvider.System, $"http://127.0.0.1:{port}", world._wire.Address);
        await world.SignInAsync(client.Id);
        return world;
    }

    /// <summary>Runs <c>proofkey token</c>.</summary>
    public Task<Said> TokenAsync() => Start().EndAsync();

    /// <summary>Starts <c>proofkey token</c>.</summary>
    public RunningToken Start()
    {
        var start = new ProcessStartInfo(ServerProcess.Program, ["token"]);
        start.Environment["PROOFKEY_SESSIONS"] = _folder.FullName;
        return new RunningToken(start);
    }

    public async ValueTask DisposeAsync()
    {
        await SuiteWitness.OfThisSuite.ReadAsync(_folder.FullName, KeyFile);
        Vault.Dispose();
        if (_wire is not null) await _wire.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        if (_operator is not null) await _operator.DisposeAsync();
        _data.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task SignInAsync(string clientId)
    {
        var profile = new Profile { Name = Name, Issuer = _wire!.Address, ClientId = clientId, Scope = Profile.DefaultScope }.KeptIn(new ChosenStore("file", KeyFile, null));
        new Profiles(_folder.FullName).Remember(profile);
        using var person = new ScriptedPerson(Operator.UserName, Operator.Password);
        await using var client = profile.CreateClient(Vault.Store);
        await using var pending = await client.BeginAsync();
        var completing = pending.CompleteAsync();
        using var page = await person.OpenAsync(await person.AnswerAsync(pending.AuthorizeUri, CancellationToken.None), CancellationToken.None);
        (await completing).ShouldBeOfType<SignInResult.SignedIn>();
    }
}
