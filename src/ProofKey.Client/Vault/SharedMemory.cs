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

    /// <summary>Forgets all sessions.</summary>
    public void Clear()
    {
        foreach (var cell in _cells.Values) cell.Session = null;
    }

    /// <summary>One session, and the lock that who changes it holds.</summary>
    internal sealed class Cell(SharedMemory? memory)
    {
        private StoredSession? _session;

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public StoredSession? Session
        {
            get => Volatile.Read(ref _session);
            set => Volatile.Write(ref _session, value);
        }

        public void ThrowIfBroken()
        {
            if (memory?.Problem is { } problem) throw new TokenStoreException(problem, "", "a store that can be used", $"a test made it {problem}", "Mend it in the test.");
        }
    }
}
