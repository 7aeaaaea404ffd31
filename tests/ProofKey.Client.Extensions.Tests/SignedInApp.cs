using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ProofKey.Client.Extensions.Tests;

/// <summary>An app with a client, at a server of its own; everything that it logs, counts and traces is kept, and must not hold a secret in the end.</summary>
internal sealed class SignedInApp : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _spans;

    private SignedInApp(ScriptedServer server, Action<IServiceCollection> register)
    {
        Server = server;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new Recorder(Lines));
        builder.Services.AddProofKeyClient("contoso", options =>
        {
            (options.Issuer, options.ClientId, options.Scope) = (server.Issuer.Value, ScriptedServer.ClientId, "openid profile");
            options.Adjust = client => client with { Store = Vault.Store, OpenBrowser = Browser.OpenAsync, TimeProvider = server.Time };
        });
        register(builder.Services);
        _host = builder.Build();
        var factory = _host.Services.GetRequiredService<IMeterFactory>();
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "ProofKey.Client" && instrument.Meter.Scope == factory) listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Counts.Enqueue($"{instrument.Name} {value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}"));
        _meters.Start();
        _spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "ProofKey.Client",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span => Spans.Enqueue(span),
        };
        ActivitySource.AddActivityListener(_spans);
    }

    public ScriptedServer Server { get; }

    public TestBrowser Browser { get; } = new();

    public MemoryVault Vault { get; } = new();

    public ConcurrentQueue<string> Lines { get; } = new();

    public ConcurrentQueue<string> Counts { get; } = new();

    public ConcurrentQueue<Activity> Spans { get; } = new();

    public PublicClient Client => _host.Services.GetRequiredKeyedService<PublicClient>("contoso");

    public HttpClient Http(string name = "api") => _host.Services.GetRequiredService<IHttpClientFactory>().CreateClient(name);

    public T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    public static async Task<SignedInApp> StartAsync(Action<IServiceCollection, ScriptedServer> register)
    {
        var server = await ScriptedServer.StartAsync();
        var app = new SignedInApp(server, services => register(services, server));
        await app._host.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    public static Task<SignedInApp> StartAsync() =>
        StartAsync((services, server) => services.AddHttpClient("api", http => http.BaseAddress = server.At("/api/")).AddProofKeyToken("contoso"));

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        if (_host is IAsyncDisposable host) await host.DisposeAsync();
        _meters.Dispose();
        _spans.Dispose();
        Browser.Dispose();
        var leaks = new LeakSearch();
        foreach (var secret in Server.Secrets) leaks.Add("secret of the server", secret);
        leaks.AssertNone("the log", string.Join('\n', Lines));
        leaks.AssertNone("a metric", string.Join('\n', Counts));
        leaks.AssertNone("a span", string.Join('\n', Spans.SelectMany(span => span.TagObjects.Select(tag => $"{span.DisplayName} {tag.Key}={tag.Value}"))));
        await Server.DisposeAsync();
    }

    private sealed class Recorder(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        private string _category = "";

        public ILogger CreateLogger(string categoryName) => new Recorder(lines) { _category = categoryName };

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        // The state as well as the text: a sink may keep what the text leaves out.
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Say($"{logLevel} {_category}: {formatter(state, exception)} {exception} {(state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : "")}");

        public void Dispose()
        {
        }

        private void Say(string line)
        {
            lines.Enqueue(line);
            SuiteWitness.OfThisSuite.Said("log", line);
        }
    }
}
