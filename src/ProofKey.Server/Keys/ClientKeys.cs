using System.Collections.Concurrent;
using System.Text;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Keys;

/// <summary>
/// The public keys of clients that sign: registered with them, or published by them and fetched. A fetched set serves for ten minutes, and
/// for an hour while its host cannot be reached. A key id that nobody knows causes one fetch in half a minute, and no more.
/// </summary>
internal sealed class ClientKeys(GuardedHttp http, TimeProvider time, ILogger<ClientKeys> logger)
{
    /// <summary>The most sets that are kept.</summary>
    public const int MaxEntries = 1000;

    /// <summary>After this age a set is fetched again.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(10);

    /// <summary>After this age a set no longer serves.</summary>
    public static readonly TimeSpan GoodFor = TimeSpan.FromHours(1);

    /// <summary>How long nobody asks again, whatever the last fetch brought.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, JwkSet> _registered = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Published> _published = new(StringComparer.Ordinal);

    /// <summary>The keys of a client.</summary>
    /// <param name="client">The client.</param>
    /// <param name="known">The keys among which the right one was not, or <see langword="null"/>.</param>
    /// <param name="cancellation">Ends the waiting, not the fetch.</param>
    /// <returns>The keys, or <see langword="null"/> when there are none that may be used.</returns>
    public ValueTask<JwkSet?> FindAsync(RegisteredClient client, JwkSet? known, CancellationToken cancellation)
    {
        if (client.Jwks is { } text) return new(Registered(text));
        if (client.JwksUri is not { } address) return new((JwkSet?)null);
        if (_published.Count >= MaxEntries && !_published.ContainsKey(address)) ForgetOld();
        return new(_published.GetOrAdd(address, _ => new Published(address, http, time, logger)).FindAsync(known).WaitAsync(cancellation));
    }

    private JwkSet? Registered(string text)
    {
        if (_registered.TryGetValue(text, out var keys)) return keys;
        if (!JwkSet.TryParse(Encoding.UTF8.GetBytes(text), out keys, out _)) return null;
        if (_registered.Count >= MaxEntries) _registered.Clear();
        return _registered.GetOrAdd(text, keys);
    }

    private void ForgetOld()
    {
        foreach (var (address, _) in _published.OrderBy(entry => entry.Value.TriedAt).Take(MaxEntries / 10)) _published.TryRemove(address, out _);
    }

    /// <summary>The set at one address. Any number of requests share one fetch.</summary>
    private sealed class Published(string address, GuardedHttp http, TimeProvider time, ILogger logger)
    {
        private readonly Lock _gate = new();
        private JwkSet? _keys;
        private DateTimeOffset _fetchedAt;
        private Task<JwkSet?>? _fetch;

        public DateTimeOffset TriedAt { get; private set; }

        public Task<JwkSet?> FindAsync(JwkSet? known)
        {
            lock (_gate)
            {
                var now = time.GetUtcNow();
                var age = now - _fetchedAt;
                if (_keys is not null && _keys != known && age >= TimeSpan.Zero && age < FreshFor) return Task.FromResult<JwkSet?>(_keys);
                if (_fetch is { IsCompleted: false }) return _fetch;
                var sinceTry = now - TriedAt;
                if (_fetch is not null && sinceTry >= TimeSpan.Zero && sinceTry < Pause) return Task.FromResult(age < GoodFor ? _keys : null);
                TriedAt = now;
                return _fetch = Task.Run(FetchAsync);
            }
        }

        private async Task<JwkSet?> FetchAsync()
        {
            var fetched = await ReadAsync();
            lock (_gate)
            {
                var now = time.GetUtcNow();
                if (fetched is not null) (_keys, _fetchedAt) = (fetched, now);
                return now - _fetchedAt < GoodFor ? _keys : null;
            }
        }

        private async Task<JwkSet?> ReadAsync()
        {
            try
            {
                if (JwkSet.TryParse(await http.GetAsync(new Uri(address), CancellationToken.None), out var keys, out var problem)) return keys;
                Log.ClientKeysNotFetched(logger, address, problem);
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or System.Net.Sockets.SocketException or IOException)
            {
                Log.ClientKeysNotFetched(logger, address, exception is OperationCanceledException ? "No answer within 5 seconds." : exception.Message);
            }
            return null;
        }
    }
}
