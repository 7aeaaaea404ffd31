using Microsoft.Extensions.Hosting;
using ProofKey.Jose;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Keys;

/// <summary>
/// The keys in use. They live in the database, wrapped by the root key, so that every replica shares them and a redeployment loses
/// nothing. A key is there before it is used, and stays until the last value that it signed or sealed is dead.
/// </summary>
internal sealed class KeyRing(KeyStore store, ServerOptions options, TimeProvider time, ILogger<KeyRing> logger) : BackgroundService
{
    /// <summary>
    /// How often the table is read again. It is small, and what another process made or revoked is to be known soon; a replica that cannot
    /// read for a while still has every key that comes into use meanwhile.
    /// </summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(15);

    private readonly RootKey _root = new(options.RootKey);
    private readonly KeySchedule _schedule = new(options.SigningKeyLifetime, Later(options.RefreshLifetime, options.RefreshIdleLifetime + RotationPolicy.NoteInterval));
    private readonly SemaphoreSlim _loading = new(1);
    private Snapshot _keys = new([], new JwkSet());

    /// <summary>The public keys, as they are published: of each algorithm the one in use first.</summary>
    public JwkSet PublicKeys => _keys.PublicKeys;

    /// <summary>The private key that signs with an algorithm now.</summary>
    public SigningKey SigningKeyFor(SignatureAlgorithm algorithm)
    {
        var now = time.GetUtcNow();
        SigningKey? current = null;
        foreach (var key in _keys.Opened)
            if (key.Signing is { } signing && signing.Algorithm == algorithm && (current is null || key.Row.NotBefore <= now)) current = signing;
        return current ?? throw new InvalidOperationException($"There is no {algorithm} key.");
    }

    /// <summary>Sees to it that there is a key of an algorithm. Some clients alone need it, so the first of them has it made.</summary>
    public ValueTask EnsureAsync(SignatureAlgorithm algorithm, CancellationToken cancellation)
    {
        foreach (var key in _keys.Opened)
            if (key.Signing?.Algorithm == algorithm) return ValueTask.CompletedTask;
        return new(LoadAsync(cancellation, KeyLine.Signs(algorithm)));
    }

    /// <summary>Seals a value with the newest key that every replica knows.</summary>
    public byte[] Seal(SealPurpose purpose, ReadOnlySpan<byte> value) => Current().Seal(purpose, value);

    /// <summary>Opens a sealed value, or gives <see langword="null"/> when it is not one of ours for this purpose.</summary>
    public byte[]? Open(SealPurpose purpose, ReadOnlySpan<byte> value)
    {
        var id = SealingKey.KeyIdOf(value);
        if (id.IsEmpty) return null;
        foreach (var key in _keys.Opened)
            if (key.Sealing is { } sealing && id.SequenceEqual(sealing.Id)) return sealing.Open(purpose, value);
        return null;
    }

    /// <summary>A user code as its row knows it (RFC 8628 section 5.1): 128 bits of a keyed digest.</summary>
    public byte[] DigestOf(UserCode code) => _root.DigestOf("user code", code.ToString())[..16];

    /// <summary>Reads the keys, and makes, retires and deletes what is due.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="also">A line that must have a key, beside those that every server has.</param>
    public async Task LoadAsync(CancellationToken cancellation, KeyLine? also = null)
    {
        // One at a time: an older reading must not replace a newer one.
        await _loading.WaitAsync(cancellation);
        try
        {
            IEnumerable<KeyLine> needed = also is null ? KeyLine.Needed : [.. KeyLine.Needed, also];
            var now = time.GetUtcNow();
            // Unwrap before anything is made: a wrong root key must stop the start, never begin a second set of keys.
            var stored = await store.ListAsync(cancellation);
            var opened = stored.ConvertAll(Open);
            var plan = _schedule.Plan(stored, needed, now);
            if (!plan.IsEmpty)
            {
                // An RSA key takes long to make, and nobody should wait for the write lock meanwhile.
                var made = plan.Make.Select(key => _root.Make(key.Line, key.NotBefore, now)).ToList();
                await store.ChangeAsync(present => Changes(present, _schedule.Plan(present, needed, now), made, now), null, now, cancellation);
                opened = (await store.ListAsync(cancellation)).ConvertAll(Open);
            }
            _keys = new(opened, Publish(opened, now));
        }
        finally
        {
            _loading.Release();
        }
    }

    public override void Dispose()
    {
        _loading.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(RefreshInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LoadAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Log.KeysNotRefreshed(logger, exception.Message);
            }
        }
    }

    private SealingKey Current()
    {
        var now = time.GetUtcNow();
        SealingKey? current = null;
        foreach (var key in _keys.Opened)
            if (key.Sealing is { } sealing && (current is null || sealing.NotBefore <= now)) current = sealing;
        return current ?? throw new InvalidOperationException("There is no sealing key.");
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;

    // Another process may have made the same keys since the plan was drawn up; then there is nothing left to add.
    private KeyChanges Changes(List<StoredKey> present, KeyPlan plan, List<StoredKey> made, DateTimeOffset now)
    {
        // Or it has changed the root key: one that opens nothing must not wrap anything either.
        foreach (var row in present) _root.Unwrap(row);
        var added = plan.Make.Select(key => made.Find(row => row.Line == key.Line) ?? _root.Make(key.Line, key.NotBefore, now)).ToList();
        foreach (var key in added) Log.KeyMade(logger, key.Purpose, key.Algorithm, key.Id, key.NotBefore);
        foreach (var key in plan.Remove) Log.KeyRemoved(logger, key.Purpose, key.Algorithm, key.Id);
        return new(added, [.. plan.Retire.Select(key => _root.Rewrap(key.Key, key.Key with { RetireAfter = RootKey.WholeMilliseconds(key.At) }))], plan.Remove);
    }

    // A row that is the same as before was opened before: its handles stay in use.
    private OpenedKey Open(StoredKey row)
    {
        if (_keys.Opened.Find(known => known.Row.IsSameRow(row)) is { } known) return known;
        var secret = _root.Unwrap(row);
        if (row.Purpose == KeyLine.Sealing) return new(row, null, new SealingKey(Convert.FromHexString(row.Id), secret, row.NotBefore, options.Issuer.Value));
        return new(row, SignatureAlgorithm.TryParse(row.Algorithm, out var algorithm) ? SigningKey.FromPkcs8(algorithm, secret) : null, null);
    }

    // RFC 7517 section 9.2: the published key is derived from the opened private one, never read from a column.
    private static JwkSet Publish(List<OpenedKey> opened, DateTimeOffset now) => new(
        from key in opened
        where key.Signing is not null
        let current = KeySchedule.Current(opened.Select(other => other.Row).Where(row => row.Line == key.Row.Line), now)
        // Who takes the first key that fits, without regard to its name, finds the one in use.
        orderby key.Row == current descending, SignatureAlgorithm.All.Index().First(algorithm => algorithm.Item == key.Signing!.Algorithm).Index
        select key.Signing!.PublicKey);

    /// <summary>A row, and the key in it.</summary>
    private sealed record OpenedKey(StoredKey Row, SigningKey? Signing, SealingKey? Sealing);

    /// <summary>All keys in the order in which they come into use, and what is published of them.</summary>
    private sealed record Snapshot(List<OpenedKey> Opened, JwkSet PublicKeys);
}
