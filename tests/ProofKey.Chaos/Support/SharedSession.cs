using System.Diagnostics;
using ProofKey.Cli.Demo;
using ProofKey.Cli.Sessions;
using ProofKey.Server;

namespace ProofKey.Chaos.Support;

/// <summary>What one run of <c>proofkey token</c> came to.</summary>
internal sealed record Said(int ExitCode, string Output, string Errors);

/// <summary>Somebody who has signed in at our server with <c>proofkey</c>, whose session many processes use.</summary>
internal sealed class SharedSession : IAsyncDisposable
{
    private const string Name = Profile.DefaultName;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-shared-");
    private readonly ServerData _data = new();
    private readonly SessionVault _vault;
    private readonly TokenStore _store;
    private Operator? _operator;
    private HostedServer? _server;
    private CuttingProxy? _wire;

    private SharedSession()
    {
        File.WriteAllBytes(KeyFile, Secret.NewBytes(32));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _store = TokenStore.EncryptedFile(Path.Combine(_folder.FullName, Name), VaultKey.OfFile(KeyFile));
        _vault = new SessionVault(_store, Name);
    }

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

    /// <summary>What is in the vault.</summary>
    public Task<StoredSession?> SessionAsync() => _vault.ReadAsync(CancellationToken.None);

    /// <summary>What lies in the folder of the session.</summary>
    public IEnumerable<string> Files => _folder.EnumerateFiles("*", SearchOption.AllDirectories).Select(file => $"{file.Name} ({file.Length})");

    /// <summary>Lets the access token have ended.</summary>
    public async Task ExpireAsync()
    {
        var past = TimeProvider.System.GetUtcNow().AddHours(-1);
        using (await _vault.LockAsync(CancellationToken.None)) await _vault.SaveAsync((await SessionAsync())! with { ObtainedAt = past, ExpiresAt = past }, CancellationToken.None);
    }

    /// <summary>Runs <c>proofkey token</c>.</summary>
    public Task<Said> TokenAsync() => Start().EndAsync();

    /// <summary>Starts <c>proofkey token</c>.</summary>
    public RunningToken Start()
    {
        var start = new ProcessStartInfo(ServerProcess.Program, ["token"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PROOFKEY_SESSIONS"] = _folder.FullName;
        return new RunningToken(start);
    }

    public async ValueTask DisposeAsync()
    {
        await SuiteWitness.OfThisSuite.ReadAsync(_folder.FullName, KeyFile);
        _vault.Dispose();
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
        await using var client = profile.CreateClient(_store);
        await using var pending = await client.BeginAsync();
        var completing = pending.CompleteAsync();
        using var page = await person.OpenAsync(await person.AnswerAsync(pending.AuthorizeUri, CancellationToken.None), CancellationToken.None);
        (await completing).ShouldBeOfType<SignInResult.SignedIn>();
    }
}

/// <summary>A run of <c>proofkey token</c> that goes on.</summary>
internal sealed class RunningToken : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    public RunningToken(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        Children.Start(_process);
        (_output, _errors) = (_process.StandardOutput.ReadToEndAsync(), _process.StandardError.ReadToEndAsync());
        Ended = _process.WaitForExitAsync();
    }

    public Task Ended { get; }

    /// <summary>Kills it as a power cut would: no handler of its own runs.</summary>
    public void Kill() => _process.Kill();

    public void Dispose() => _process.Dispose();

    public async Task<Said> EndAsync()
    {
        await Ended;
        var said = new Said(_process.ExitCode, await _output, await _errors);
        SuiteWitness.OfThisSuite.Secret("access token", said.Output.Trim());
        SuiteWitness.OfThisSuite.Said("stderr of token", said.Errors);
        await Children.EndAsync(_process, _ => { });
        return said;
    }
}
