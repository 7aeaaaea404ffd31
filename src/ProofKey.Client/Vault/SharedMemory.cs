using System.Collections.Concurrent;

namespace ProofKey.Client;

/// <summary>Sessions that several clients of one process share without a file. Programs have no use for it; their tests do, through ProofKey.Testing.</summary>
internal sealed class SharedMemory
{
    private readonly ConcurrentDictionary<string, Cell> _cells = new(StringComparer.Ordinal);

    /// <summary>What every use of it fails with, if anything.</summary>
    public TokenStoreState? Problem { get; set; }

    /// <summary>A profile's place.</summary>
    public Cell Of(string profile) => _cells.GetOrAdd(profile, _ => new Cell(this));

    /// <summary>All sessions, in no order.</summary>
    /// <exception cref="TokenStoreException">A test broke it.</exception>
    public IEnumerable<StoredSession> Sessions()
    {
        ThrowIfBroken();
        return _cells.Values.Select(cell => cell.Session).OfType<StoredSession>();
    }

    /// <summary>Fails as a test wants it to.</summary>
    public void ThrowIfBroken()
    {
        if (Problem is { } problem) throw new TokenStoreException(problem, "", "a store that can be used", $"a test made it {problem}", "Mend it in the test.");
    }

    /// <summary>Forgets all sessions.</summary>
    public void Clear()
    {
        foreach (var cell in _cells.Values) (cell.Session, cell.Interrupted) = (null, null);
    }

    /// <summary>One session, and the lock that who changes it holds.</summary>
    internal sealed class Cell(SharedMemory? memory)
    {
        private StoredSession? _session;
        private string? _interrupted;

        public SemaphoreSlim Gate { get; } = new(1, 1);

        private SemaphoreSlim Turn { get; } = new(1, 1);

        public StoredSession? Session
        {
            get => Volatile.Read(ref _session);
            set => Volatile.Write(ref _session, value);
        }

        /// <summary>The session that ended because a renewal was interrupted.</summary>
        public string? Interrupted
        {
            get => Volatile.Read(ref _interrupted);
            set => Volatile.Write(ref _interrupted, value);
        }

        public void ThrowIfBroken() => memory?.ThrowIfBroken();

        /// <summary>Waits for the turn to ask a person, as for that of a file. Where no other client has the session, there is none to wait for.</summary>
        /// <param name="settled">Whether waiting has become needless.</param>
        /// <param name="pause">How long to wait before that is asked again.</param>
        /// <param name="cancel">Ends the wait.</param>
        /// <returns>The turn, or <see langword="null"/> where there is none, or once <paramref name="settled"/> was true.</returns>
        public async Task<IDisposable?> TakeTurnAsync(Func<Task<bool>> settled, TimeSpan pause, CancellationToken cancel)
        {
            if (memory is null) return null;
            var wait = TimeSpan.Zero;
            while (!await Turn.WaitAsync(wait, cancel).ConfigureAwait(false))
            {
                if (await settled().ConfigureAwait(false)) return null;
                wait = pause;
            }
            return new VaultLock(null, () => Turn.Release());
        }
    }
}
