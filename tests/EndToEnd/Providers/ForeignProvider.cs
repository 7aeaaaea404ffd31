using System.Text.RegularExpressions;

namespace EndToEnd.Providers;

/// <summary>An authorization server that others wrote, as a program of its own on a free port.</summary>
public abstract partial class ForeignProvider : IAsyncLifetime
{
    private ChildProcess? _running;
    private OverheardWire? _wire;

    [GeneratedRegex("^LISTENING$")]
    private static partial Regex Listening { get; }

    /// <summary>The address of the server, which is its issuer.</summary>
    public string Issuer { get; } = $"http://127.0.0.1:{RunningServer.FreePort()}";

    /// <summary>Where it listens, behind a wire that is overheard.</summary>
    protected int Port { get; } = RunningServer.FreePort();

    /// <summary>All that the server has said.</summary>
    public string Said
    {
        get
        {
            _running!.HasEnded(out var said);
            return said;
        }
    }

    /// <summary>Says how long access tokens last from now on. One that lasts a second is refreshed by whatever wants it next.</summary>
    public Task TokensLastAsync(int seconds, CancellationToken cancellation) => SayAsync($"seconds {seconds}", cancellation);

    /// <summary>Waits until so many grants of a type have brought tokens, whether their answer has left or not.</summary>
    public async Task GrantedAsync(string type, int count, CancellationToken cancellation)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (Grants(type) < count) await ticks.WaitForNextTickAsync(cancellation);
    }

    /// <summary>How many grants of a type have brought tokens so far.</summary>
    public int Grants(string type) => Count($"GRANT {type}");

    /// <summary>How many lines like this it has said.</summary>
    protected int Count(string line) => Regex.Count(Said, $"^{Regex.Escape(line)}$", RegexOptions.Multiline);

    /// <summary>Whether an access token is good at the server's own API for whom it is.</summary>
    public async Task<bool> TakesAsync(string accessToken, string path, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, Issuer + path) { Headers = { Authorization = new("Bearer", accessToken) } };
        using var answer = await http.SendAsync(request, cancellation);
        return answer.IsSuccessStatusCode;
    }

    public async ValueTask InitializeAsync()
    {
        _wire = new OverheardWire(new Uri(Issuer).Port, Port);
        _running = await StartAsync(TestContext.Current.CancellationToken);
        await _running.ReadUntilAsync(Listening, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_running is not null) await _running.DisposeAsync();
        if (_wire is not null) await _wire.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Tells the server something, and waits until it knows.</summary>
    protected async Task SayAsync(string line, CancellationToken cancellation)
    {
        await _running!.WriteLineAsync(line);
        await _running.ReadUntilAsync(new Regex($"^SAID {line}$"), cancellation);
    }

    /// <summary>Starts the program, which prints LISTENING when it does so, and GRANT with the type for each grant.</summary>
    protected abstract Task<ChildProcess> StartAsync(CancellationToken cancellation);
}
