using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ProofKey.Jose;

/// <summary>What came of using a proof.</summary>
public enum ProofUse
{
    /// <summary>It is the first use: go on.</summary>
    First,

    /// <summary>It was used before (RFC 9449 section 11.1).</summary>
    Replayed,

    /// <summary>Nobody can say, since the memory is full: try again later. A proof is never forgotten to make room.</summary>
    Unknown,
}

/// <summary>
/// Remembers the proofs that one process has accepted, each as 8 bytes of a keyed digest and for as long as it would be accepted again
/// (RFC 9449 section 11.1). Its memory is bounded. Other processes have their own: a proof is good once at each.
/// </summary>
public sealed class UsedProofs
{
    /// <summary>The most proofs that are remembered, about 30 MB.</summary>
    public const int DefaultCapacity = 1_000_000;

    private const long SlotSeconds = 60;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, HashSet<ulong>> _slots = [];
    private readonly byte[] _key = Secret.NewBytes(32);
    private readonly int _capacity;
    private int _count;

    /// <summary>Makes an empty memory.</summary>
    /// <param name="capacity">The most proofs that are remembered, 1 or more. Ask for a proof's use only after all else is known to be good: then no stranger can fill it.</param>
    public UsedProofs(int capacity = DefaultCapacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
    }

    /// <summary>How many proofs are remembered.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _count;
        }
    }

    /// <summary>Uses a proof. Of any number of callers with one proof, one is first.</summary>
    /// <param name="proof">A proof that passed its checks.</param>
    /// <param name="now">The time that it was checked with.</param>
    /// <returns>Whether it may be used.</returns>
    public ProofUse Use(DpopProof proof, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(proof);
        var digest = DigestOf(proof);
        lock (_gate)
        {
            Forget(now);
            // In every slot: the same id in a newer proof of the same key is a replay too.
            foreach (var slot in _slots.Values)
                if (slot.Contains(digest)) return ProofUse.Replayed;
            if (_count >= _capacity) return ProofUse.Unknown;
            var end = SlotOf(proof.GoodUntil);
            if (!_slots.TryGetValue(end, out var ending)) _slots[end] = ending = [];
            ending.Add(digest);
            _count++;
            return ProofUse.First;
        }
    }

    private static long SlotOf(DateTimeOffset time) => time.ToUnixTimeSeconds() / SlotSeconds;

    // A slot goes when its last second is over, so nothing is forgotten while it would still be accepted.
    private void Forget(DateTimeOffset now)
    {
        var current = SlotOf(now);
        foreach (var (end, proofs) in _slots)
        {
            if (end >= current) continue;
            _count -= proofs.Count;
            _slots.Remove(end);
        }
    }

    // Keyed, so that nobody can make two ids that fall together, or fill one place of the set.
    private ulong DigestOf(DpopProof proof)
    {
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        // The thumbprint has a fixed length, and an address no line end.
        HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{proof.Thumbprint}{proof.Address}\n{proof.Id}"), digest);
        return BinaryPrimitives.ReadUInt64LittleEndian(digest);
    }
}
