using ProofKey.Client;

namespace ProofKey.Testing;

/// <summary>
/// Sessions that outlive a client and not the test: each client that gets <see cref="Store"/> finds what another one left there, as after a restart, and nothing is
/// written to a disk. Clients in this process share locks too, so that one renewal serves all of them, and one window.
/// </summary>
public sealed class MemoryVault
{
    private readonly SharedMemory _memory = new();

    /// <summary>Makes an empty vault.</summary>
    public MemoryVault() => Store = TokenStore.Of(_memory);

    /// <summary>For <see cref="ClientOptions.Store"/>.</summary>
    public TokenStore Store { get; }

    /// <summary>What is wrong with the vault, such as <see cref="TokenStoreState.Locked"/>: every use throws <see cref="TokenStoreException"/> until it is <see langword="null"/> again.</summary>
    public TokenStoreState? Problem
    {
        get => _memory.Problem;
        set => _memory.Problem = value;
    }

    /// <summary>Whether there is a session.</summary>
    /// <param name="profile">Under which name.</param>
    /// <returns>Whether there is one, whatever it is for.</returns>
    public bool Holds(string profile = "default") => _memory.Of(profile).Session is not null;

    /// <summary>Forgets everything, as if the file had been deleted by hand.</summary>
    public void Clear() => _memory.Clear();
}
