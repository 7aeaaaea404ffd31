using Microsoft.Extensions.Hosting;
using ProofKey.Jose;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Keys;

/// <summary>
/// The keys in use. They live in the database, wrapped by the root key, so that every replica shares them and a redeployment loses
/// nothing. A sealing key is published to the replicas before it is used, and kept until the last value sealed with it is dead.
/// </summary>
internal sealed class KeyRing(KeyStore store, ServerOptions options, TimeProvider time, ILogger<KeyRing> logger) : BackgroundService
{
    private const string Signing = "sign";
    private const string Sealing = "seal";

    /// <summary>How often the table is read again; a new key is used after twice that time.</summary>
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan SealingKeyAge = TimeSpan.FromDays(7);

    /// <summary>The algorithms that there is a signing key for.</summary>
    public static readonly IReadOnlyList<SignatureAlgorithm> Algorithms = [SignatureAlgorithm.ES256, SignatureAlgorithm.RS256];

    private readonly RootKey _root = new(options.RootKey);
    private Snapshot _keys = new([], []);

    /// <summary>The public keys, as they are published.</summary>
    public JwkSet PublicKeys => _keys.PublicKeys;

    /// <summary>The private key that signs with an algorithm.</summary>
    public SigningKey SigningKeyFor(SignatureAlgorithm algorithm) => _keys.Signing.First(key => key.Algorithm == algorithm);

    /// <summary>Seals a value with the newest key that every replica knows.</summary>
    public byte[] Seal(SealPurpose purpose, ReadOnlySpan<byte> value) => Current().Seal(purpose, value);

    /// <summary>Opens a sealed value, or gives <see langword="null"/> when it is not one of ours for this purpose.</summary>
    public byte[]? Open(SealPurpose purpose, ReadOnlySpan<byte> value)
    {
        var id = SealingKey.KeyIdOf(value);
        if (id.IsEmpty) return null;
        foreach (var key in _keys.Sealing)
            if (id.SequenceEqual(key.Id)) return key.Open(purpose, value);
        return null;
    }

    /// <summary>Reads the keys, and makes those that are missing.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        // Unwrap before anything is made: a wrong root key must stop the start, never begin a second set of keys.
        var keys = Open(await store.ListAsync(cancellation));
        if (Missing(keys).Count > 0)
        {
            await store.AddAsync(present => Missing(Open(present)).Select(Make), cancellation);
            keys = Open(await store.ListAsync(cancellation));
        }
        foreach (var spent in Spent(keys)) await store.RemoveAsync(spent);
        _keys = keys;
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
        var sealing = _keys.Sealing;
        for (var i = sealing.Count - 1; i > 0; i--)
            if (sealing[i].NotBefore <= now) return sealing[i];
        return sealing[0];
    }

    // A first sealing key is of use at once; a later one only when every replica has read the table again.
    private List<MissingKey> Missing(Snapshot keys)
    {
        var now = time.GetUtcNow();
        List<MissingKey> missing = [.. Algorithms.Where(algorithm => keys.Signing.All(key => key.Algorithm != algorithm)).Select(algorithm => new MissingKey(algorithm, now))];
        if (keys.Sealing.Count == 0) missing.Add(new MissingKey(null, now));
        else if (keys.Sealing[^1].NotBefore + SealingKeyAge <= now) missing.Add(new MissingKey(null, now + (2 * RefreshInterval)));
        return missing;
    }

    // What was sealed last with a key is a refresh token, and dies with the longest grant. A day more costs nothing.
    private IEnumerable<string> Spent(Snapshot keys)
    {
        var before = time.GetUtcNow() - options.RefreshLifetime - TimeSpan.FromDays(1);
        return keys.Sealing.Zip(keys.Sealing.Skip(1)).Where(pair => pair.Second.NotBefore < before).Select(pair => Convert.ToHexStringLower(pair.First.Id));
    }

    private StoredKey Make(MissingKey missing)
    {
        // The row holds milliseconds, and the seal covers what it holds.
        var notBefore = DateTimeOffset.FromUnixTimeMilliseconds(missing.NotBefore.ToUnixTimeMilliseconds());
        using var signing = missing.Algorithm is { } algorithm ? SigningKey.New(algorithm) : null;
        var (id, purpose, name, secret) = signing is null
            ? (Convert.ToHexStringLower(Secret.NewBytes(SealingKey.IdLength)), Sealing, "A256GCM", Secret.NewBytes(RootKey.Length))
            : (signing.KeyId, Signing, signing.Algorithm.Name, signing.ToPkcs8());
        Log.KeyMade(logger, purpose, name, id);
        var row = new StoredKey(id, purpose, name, [], notBefore, null, time.GetUtcNow());
        return row with { Sealed = _root.Wrap(row, secret) };
    }

    private Snapshot Open(List<StoredKey> stored)
    {
        var signing = new List<SigningKey>();
        var sealing = new List<SealingKey>();
        foreach (var key in stored)
        {
            var secret = _root.Unwrap(key);
            if (key.Purpose == Sealing) sealing.Add(new SealingKey(Convert.FromHexString(key.Id), secret, key.NotBefore, options.Issuer.Value));
            else if (SignatureAlgorithm.TryParse(key.Algorithm, out var algorithm)) signing.Add(SigningKey.FromPkcs8(algorithm, secret));
        }
        return new Snapshot(signing, sealing);
    }

    /// <summary>A key to be made: a signing key of an algorithm, or a sealing key.</summary>
    private sealed record MissingKey(SignatureAlgorithm? Algorithm, DateTimeOffset NotBefore);

    private sealed record Snapshot(IReadOnlyList<SigningKey> Signing, IReadOnlyList<SealingKey> Sealing)
    {
        // RFC 7517 section 9.2: the published key is derived from the opened private one, never read from a column.
        public JwkSet PublicKeys { get; } = new(Signing.Select(key => key.PublicKey));
    }
}
