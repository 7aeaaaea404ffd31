using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>
/// The issuer's keys. Fetched with the first token, renewed in the background, and once more by the very request that met a key id nobody
/// knows. Any number of requests share one fetch. While the issuer cannot be reached, the last good copy serves, for a day at most.
/// </summary>
internal sealed class SigningKeys : IDisposable
{
    /// <summary>After this age a request starts a fetch in the background, so a withdrawn key is forgotten.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(10);

    /// <summary>After this age the copy no longer serves.</summary>
    public static readonly TimeSpan GoodFor = TimeSpan.FromHours(24);

    /// <summary>How long the outcome of a fetch for an unknown key id stands: whoever invents ids causes no more than one per pause.</summary>
    public static readonly TimeSpan UnknownKeyPause = TimeSpan.FromSeconds(30);

    /// <summary>How long after a failure nobody tries again.</summary>
    public static readonly TimeSpan FailurePause = TimeSpan.FromSeconds(5);

    /// <summary>The time for all documents of one fetch.</summary>
    public static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly KeyDiscovery _discovery;
    private readonly Issuer _issuer;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    private volatile Copy? _copy;
    private Task<JwkSet?>? _fetch;
    private long? _failedAt;
    private long? _unknownKeyAt;

    public SigningKeys(IOptionsMonitor<ResourceServerOptions> monitor, ILogger<SigningKeys> logger)
    {
        var options = monitor.Get(ResourceServerOptions.SchemeName);
        _discovery = new KeyDiscovery(options);
        _issuer = options.Issuer;
        _time = options.TimeProvider ?? TimeProvider.System;
        _logger = logger;
    }

    /// <returns>The keys, or <see langword="null"/> while there are none that may be used.</returns>
    public ValueTask<JwkSet?> GetAsync(CancellationToken cancellation)
    {
        var copy = _copy;
        if (copy is not null && IsWithin(FreshFor, copy.FetchedAt)) return new(copy.Keys);
        var fetch = Fetch();
        return copy is not null && IsWithin(GoodFor, copy.FetchedAt) ? new(copy.Keys) : new(fetch.WaitAsync(cancellation));
    }

    /// <param name="known">The keys among which the token's was not.</param>
    /// <param name="cancellation">Ends the waiting, not the fetch.</param>
    /// <returns>What the issuer publishes now, or <see langword="null"/> when it could not be asked.</returns>
    public Task<JwkSet?> GetNewerThanAsync(JwkSet known, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_copy is { } copy && copy.Keys != known) return Task.FromResult<JwkSet?>(copy.Keys);
            if (_fetch is null || (_fetch.IsCompleted && !IsWithin(UnknownKeyPause, _unknownKeyAt)))
            {
                _unknownKeyAt = _time.GetTimestamp();
                _fetch = Task.Run(FetchNowAsync, CancellationToken.None);
            }
            return _fetch.WaitAsync(cancellation);
        }
    }

    public void Dispose() => _discovery.Dispose();

    private Task<JwkSet?> Fetch()
    {
        lock (_gate)
        {
            if (_fetch is null || (_fetch.IsCompleted && !IsWithin(FailurePause, _failedAt))) _fetch = Task.Run(FetchNowAsync, CancellationToken.None);
            return _fetch;
        }
    }

    private async Task<JwkSet?> FetchNowAsync()
    {
        try
        {
            using var timeout = new CancellationTokenSource(FetchTimeout, _time);
            var keys = await _discovery.FetchAsync(timeout.Token);
            Keep(keys);
            Log.KeysFetched(_logger, _issuer, keys.Keys.Count);
            return keys;
        }
        catch (Exception problem)
        {
            // Whatever it was, the last good copy stays, and the next attempt may succeed.
            NoteFailure();
            Log.KeysNotFetched(_logger, _issuer, problem is OperationCanceledException ? "No answer within 5 seconds." : problem.Message);
            return null;
        }
    }

    private void Keep(JwkSet keys)
    {
        lock (_gate)
        {
            _copy = new Copy(keys, _time.GetTimestamp());
            _failedAt = null;
        }
    }

    private void NoteFailure()
    {
        lock (_gate) _failedAt = _time.GetTimestamp();
    }

    private bool IsWithin(TimeSpan span, long? since) => since is { } timestamp && _time.GetElapsedTime(timestamp) < span;

    private sealed record Copy(JwkSet Keys, long FetchedAt);
}
