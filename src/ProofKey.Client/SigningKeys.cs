using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>The server's public keys, kept for an hour and read again when a signature names one that is not among them.</summary>
internal sealed class SigningKeys(ClientOptions options, Backchannel backchannel)
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    // Old keys that could not be read anew are not asked for again at each use.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    private sealed record Copy(JwkSet Keys, DateTimeOffset ReadAt);

    private Copy? _copy;
    private Task? _ahead;

    /// <summary>Begins to read the keys while there is time, for who asks for them a little later. Where it fails, that one tries again.</summary>
    public void Prefetch(Uri address)
    {
        var reading = GetAsync(address, again: false, CancellationToken.None);
        _ = reading.ContinueWith(failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        Volatile.Write(ref _ahead, reading);
    }

    /// <summary>The keys, and whether they were read just now; a second look is worth it only if they were not.</summary>
    public async Task<(JwkSet Keys, bool Fresh)> GetAsync(Uri address, bool again, CancellationToken cancel)
    {
        if (Volatile.Read(ref _ahead) is { IsCompleted: false } ahead)
        {
            await ahead.WaitAsync(cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
        }
        var copy = Volatile.Read(ref _copy);
        if (!again && copy is not null && IsYoung(copy)) return (copy.Keys, false);
        try
        {
            return (await ReadAsync(address, cancel), true);
        }
        catch (ClientException) when (copy is not null)
        {
            // The last good copy goes on: an unknown key stays unknown, a known one stays good.
            if (!again) Interlocked.CompareExchange(ref _copy, copy with { ReadAt = options.TimeProvider.GetUtcNow() - MaxAge + Rest }, copy);
            return (copy.Keys, true);
        }
    }

    // By a clock that was set back meanwhile its age is unknown.
    private bool IsYoung(Copy copy) => options.TimeProvider.GetUtcNow() - copy.ReadAt is var age && age < MaxAge && age > -MaxAge;

    private async Task<JwkSet> ReadAsync(Uri address, CancellationToken cancel)
    {
        var answer = await backchannel.GetAsync("the server's keys", address, cancel);
        string? problem = $"the answer was {(int)answer.Status} {ServerText.Shown(answer.MediaType)}";
        if (!answer.IsSuccess || !answer.IsJson || !JwkSet.TryParse(answer.Body, out var keys, out problem))
            throw new ProtocolViolationException("malformed_keys", "a JWK set at jwks_uri (RFC 7517 section 5)", ServerText.Shown(problem).TrimEnd('.'));
        Volatile.Write(ref _copy, new Copy(keys, options.TimeProvider.GetUtcNow()));
        options.Emit(new ClientEvent.KeysRead(keys.Keys.Count));
        return keys;
    }
}
