using ProofKey.Server.Keys;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>The root key is not the one that wrapped the keys in the database. Nothing was changed.</summary>
public sealed class RootKeyException : InvalidOperationException
{
    internal RootKeyException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}

/// <summary>Where a key stands in its life.</summary>
public enum KeyState
{
    /// <summary>It is published, and not in use yet.</summary>
    Next,

    /// <summary>It signs, or seals.</summary>
    Current,

    /// <summary>It only checks or opens what it made before.</summary>
    Retiring,
}

/// <summary>A key of the server, without any secret of it.</summary>
/// <param name="Id">Its id; tokens name a signing key by it (<c>kid</c>).</param>
/// <param name="Purpose"><c>sign</c> for tokens, <c>seal</c> for codes, refresh tokens and what pages bring back.</param>
/// <param name="Algorithm">Its algorithm.</param>
/// <param name="State">Where it stands.</param>
/// <param name="CreatedAt">When it was made, and published.</param>
/// <param name="NotBefore">From when on it is used.</param>
/// <param name="RetireAfter">When it goes; not known before it has a successor.</param>
public sealed record ServerKey(string Id, string Purpose, string Algorithm, KeyState State, DateTimeOffset CreatedAt, DateTimeOffset NotBefore, DateTimeOffset? RetireAfter);

/// <summary>Looks at the keys and changes them: what an operator does beside a running server, on the same database.</summary>
public sealed class KeyRegistry
{
    private readonly KeyStore _store;
    private readonly RootKey _root;
    private readonly TimeProvider _time;

    internal KeyRegistry(KeyStore store, ServerOptions options, TimeProvider time) => (_store, _root, _time) = (store, new RootKey(options.RootKey), time);

    /// <summary>How long a running server needs to notice a change at most.</summary>
    public static TimeSpan NoticedWithin => KeyRing.RefreshInterval;

    /// <summary>All keys, in the order in which they came into use.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The keys.</returns>
    /// <exception cref="RootKeyException">The root key does not open them.</exception>
    public async Task<IReadOnlyList<ServerKey>> ListAsync(CancellationToken cancellation)
    {
        var rows = await _store.ListAsync(cancellation);
        var now = _time.GetUtcNow();
        // What a row says is worth as much as its wrapping.
        foreach (var row in rows) _root.Unwrap(row);
        return [.. rows.Select(row => new ServerKey(row.Id, row.Purpose, row.Algorithm, StateOf(row, rows, now), row.CreatedAt, row.NotBefore, row.RetireAfter))];
    }

    /// <summary>
    /// Gives each signing key its successor now instead of on schedule. The successor is published at once and used a day later, so that
    /// nobody meets a key that they do not know. Where a successor is waiting already, none is made.
    /// </summary>
    /// <param name="atOnce">Use the successors at once; whoever keeps the public keys refuses new tokens until they fetch them again.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task RotateAsync(bool atOnce, CancellationToken cancellation)
    {
        var now = RootKey.WholeMilliseconds(_time.GetUtcNow());
        await _store.ChangeAsync(present => Successors(present, atOnce, now), new AuditEvent("keys-rotated") { Detail = atOnce ? "at once" : null }, now, cancellation);
    }

    /// <summary>
    /// Replaces every signing and sealing key at once, for the day on which they may have leaked. Nothing that the old ones signed or
    /// sealed is accepted here any more: all sessions, codes, access and refresh tokens are dead.
    /// </summary>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task RevokeAllAsync(CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        // In one transaction: a restore obeys the trail, and would do what never came about.
        await _store.ReplaceAllAsync(present => Replacements(_root, present, now), new AuditEvent("keys-revoked"), now, cancellation);
    }

    /// <summary>
    /// Wraps every key with another root key, all or none. A running server keeps the keys that it has read, and follows no change before it is
    /// started with the new root key. User codes that devices show at this moment are lost.
    /// </summary>
    /// <param name="rootKey">The new root key, 32 random bytes.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="RootKeyException">The old root key does not open the keys.</exception>
    public async Task RewrapAsync(byte[] rootKey, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(rootKey);
        if (rootKey.Length != RootKey.Length) throw new ArgumentException($"A root key has {RootKey.Length} bytes.", nameof(rootKey));
        var next = new RootKey(rootKey);
        await _store.ChangeAsync(
            present => new([], [.. present.Select(row => row with { Sealed = next.Wrap(row, _root.Unwrap(row)) })], []), new AuditEvent("root-key-changed"), _time.GetUtcNow(), cancellation);
    }

    internal static List<StoredKey> Replacements(RootKey root, List<StoredKey> present, DateTimeOffset now)
    {
        // A root key that opens nothing must not wrap anything either.
        foreach (var key in present) root.Unwrap(key);
        return [.. Lines(present).Select(line => root.Make(line, now, now))];
    }

    private KeyChanges Successors(List<StoredKey> present, bool atOnce, DateTimeOffset now)
    {
        foreach (var key in present) _root.Unwrap(key);
        var (added, changed) = (new List<StoredKey>(), new List<StoredKey>());
        foreach (var line in Lines(present).Where(line => line.Purpose == KeyLine.Signing))
        {
            var waiting = present.Find(key => key.Line == line && StateOf(key, present, now) == KeyState.Next);
            var isFirst = present.TrueForAll(key => key.Line != line);
            if (waiting is null) added.Add(_root.Make(line, atOnce || isFirst ? now : now + line.PublishDelay, now));
            else if (atOnce) changed.Add(_root.Rewrap(waiting, waiting with { NotBefore = now }));
        }
        return new(added, changed, []);
    }

    private static IEnumerable<KeyLine> Lines(List<StoredKey> rows) => rows.Select(row => row.Line).Union(KeyLine.Needed);

    private static KeyState StateOf(StoredKey key, List<StoredKey> rows, DateTimeOffset now)
    {
        var current = KeySchedule.Current(rows.Where(row => row.Line == key.Line), now);
        return key == current ? KeyState.Current : key.NotBefore > now ? KeyState.Next : KeyState.Retiring;
    }
}
