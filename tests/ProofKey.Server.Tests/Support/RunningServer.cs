using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Support;

/// <summary>The real server: Kestrel on loopback over an embedded database in a folder of its own, on a clock that the test moves.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    public const string UserName = "alice";
    public const string Password = "correct horse battery staple";

    private readonly WebApplication _app;
    private readonly bool _ownsFolder;

    private RunningServer(WebApplication app, ServeSettings settings, string issuer, CapturedLog log, string folder, bool ownsFolder)
    {
        _app = app;
        Folder = folder;
        _ownsFolder = ownsFolder;
        Settings = settings;
        Issuer = issuer;
        Log = log;
        Time = (ManualTime)settings.Time;
    }

    public ServeSettings Settings { get; }

    public string Issuer { get; }

    public ManualTime Time { get; }

    /// <summary>Everything that was logged, at every level.</summary>
    public CapturedLog Log { get; }

    public string Folder { get; }

    public Registry Registry => _app.Services.GetRequiredService<Registry>();

    /// <summary>Prunes what has ended by the clock of the test. The pauses between two steps are real ones, since that clock stands still.</summary>
    public Task<int> CleanAsync() => CleanAsync(Service<Database>(), Service<ServerOptions>(), Time);

    public static Task<int> CleanAsync(Database database, ServerOptions options, TimeProvider timeOfDay) =>
        new Cleanup(database, options, new FlowingTime(timeOfDay), NullLogger<Cleanup>.Instance).RunAsync(CancellationToken.None);

    public T Service<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Starts a server, with a person to sign in.</summary>
    /// <param name="folder">An existing data folder, or none for a new one.</param>
    /// <param name="strictRotation">Whether refresh tokens rotate to the letter.</param>
    /// <param name="time">The clock.</param>
    /// <param name="issuerPath">A path below which the server lives.</param>
    /// <param name="port">The port, or none for a free one.</param>
    /// <param name="configure">What else is set. Tests send all their requests from one address in one standing minute, so limits are off unless this sets them.</param>
    /// <param name="serve">How else the program is started.</param>
    public static async Task<RunningServer> StartAsync(
        string? folder = null, bool strictRotation = false, ManualTime? time = null, string issuerPath = "", int? port = null, Action<ServerOptions>? configure = null, Func<ServeSettings, ServeSettings>? serve = null)
    {
        var ownsFolder = folder is null;
        folder ??= Directory.CreateTempSubdirectory("proofkey-test-").FullName;
        port ??= FreePort();
        var settings = new ServeSettings
        {
            Data = DataFolder.Open(folder),
            Urls = [$"http://127.0.0.1:{port}"],
            Issuer = $"http://127.0.0.1:{port}{issuerPath}",
            StrictRotation = strictRotation,
            Time = time ?? new ManualTime { RunsTimers = false },
            Configure = options =>
            {
                options.TriesPerMinute = options.RefusalsPerMinute = options.RequestsPerMinute = 1_000_000;
                configure?.Invoke(options);
            },
        };
        settings = serve?.Invoke(settings) ?? settings;
        SuiteWitness.OfThisSuite.Key("root key", settings.Data.RootKey);
        SuiteWitness.OfThisSuite.Secret("password", Password);
        var log = new CapturedLog();
        var app = ServerHost.Build(settings, builder =>
        {
            builder.Logging.ClearProviders();
            builder.Logging.SetMinimumLevel(LogLevel.Trace);
            builder.Logging.AddProvider(log);
        });
        await app.StartAsync();
        var server = new RunningServer(app, settings, settings.Issuer!, log, folder, ownsFolder);
        if (await server.Service<AccountStore>().FindByNameAsync(UserName, CancellationToken.None) is null)
            await server.Registry.AddAccountAsync(UserName, Password, "alice@example.com", isAdmin: false);
        return server;
    }

    /// <summary>Registers a public client.</summary>
    public async Task<RegisteredClient> AddClientAsync(string redirectUri = "http://127.0.0.1/callback", Func<ClientRegistration, ClientRegistration>? change = null)
    {
        var registration = new ClientRegistration { Name = "Test client", IsPublic = true, RedirectUris = [redirectUri] };
        return (await Registry.AddClientAsync(change?.Invoke(registration) ?? registration)).Client;
    }

    /// <summary>A person with a browser of their own.</summary>
    public Person NewPerson() => new(this);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (_ownsFolder) Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Stops the server and keeps its folder, for a restart.</summary>
    public async Task<RunningServer> RestartAsync()
    {
        var port = new Uri(Issuer).Port;
        await _app.StopAsync();
        await _app.DisposeAsync();
        var restarted = await StartAsync(Folder, Settings.StrictRotation, Time, new Uri(Issuer).AbsolutePath.TrimEnd('/'), port, Settings.Configure);
        return new RunningServer(restarted._app, restarted.Settings, restarted.Issuer, restarted.Log, Folder, _ownsFolder);
    }

    private static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}

/// <summary>Keeps everything that was logged.</summary>
internal sealed class CapturedLog : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(CapturedLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            log._lines.Enqueue($"{logLevel} {category} {eventId.Id} {formatter(state, exception)} {exception}");
            // What the platform traces of each request and each connection is more than all the rest, and on in no program.
            if (logLevel >= LogLevel.Information || category.StartsWith("ProofKey.", StringComparison.Ordinal)) SuiteWitness.OfThisSuite.Said("log", WitnessLog.Line(category, state, exception, formatter));
        }
    }
}
