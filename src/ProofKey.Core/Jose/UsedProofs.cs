using System.Buffers.Binary;
using System.Runtime.InteropServices;
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

    /// <summary>Nobody can say, since the memory is full, or its holder's share of it: try again later. A proof is never forgotten to make room.</summary>
    Unknown,
}

/// <summary>
/// Remembers the proofs that one process has accepted, each as 8 bytes of a keyed digest and for as long as it would be accepted again
/// (RFC 9449 section 11.1). Its memory is bounded. Other processes have their own: a proof is good once at each.
/// </summary>
public sealed class UsedProofs
{
    /// <summary>The most proofs that are remembered, about 30 MB; twice that if each came from another holder.</summary>
    public const int DefaultCapacity = 1_000_000;

    private const long SlotSeconds = 60;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Slot> _slots = [];
    private readonly Dictionary<ulong, int> _held = [];
    private readonly byte[] _key = Secret.NewBytes(32);
    private readonly int _capacity;
    private readonly int _capacityPerHolder;
    private int _count;

    /// <summary>Makes an empty memory.</summary>
    /// <param name="capacity">The most proofs that are remembered, 1 or more. Ask for a proof's use only after all else is known to be good: then no stranger can fill it.</param>
    /// <param name="capacityPerHolder">The most proofs of one holder, 1 or more: then nobody fills it alone.</param>
    public UsedProofs(int capacity = DefaultCapacity, int capacityPerHolder = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacityPerHolder, 1);
        _capacity = capacity;
        _capacityPerHolder = capacityPerHolder;
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
    /// <param name="holder">In whose name it came, such as a subject; <see langword="null"/> leaves the share of each holder out.</param>
    /// <returns>Whether it may be used.</returns>
    public ProofUse Use(DpopProof proof, DateTimeOffset now, string? holder = null)
    {
        ArgumentNullException.ThrowIfNull(proof);
        // The thumbprint has a fixed length, and an address no line end.
        var digest = DigestOf($"{proof.Thumbprint}{proof.Address}\n{proof.Id}");
        var share = holder is null ? (ulong?)null : DigestOf(holder);
        lock (_gate)
        {
            Forget(now);
            // In every slot: the same id in a newer proof of the same key is a replay too.
            foreach (var slot in _slots.Values)
                if (slot.Proofs.Contains(digest)) return ProofUse.Replayed;
            if (_count >= _capacity || (share is { } held && _held.GetValueOrDefault(held) >= _capacityPerHolder)) return ProofUse.Unknown;
            var end = SlotOf(proof.GoodUntil);
            if (!_slots.TryGetValue(end, out var ending)) _slots[end] = ending = new Slot();
            ending.Proofs.Add(digest);
            _count++;
            if (share is { } key) Hold(ending, key);
            return ProofUse.First;
        }
    }

    private static long SlotOf(DateTimeOffset time) => time.ToUnixTimeSeconds() / SlotSeconds;

    // A slot goes when its last second is over, so nothing is forgotten while it would still be accepted.
    private void Forget(DateTimeOffset now)
    {
        var current = SlotOf(now);
        foreach (var (end, slot) in _slots)
        {
            if (end >= current) continue;
            _count -= slot.Proofs.Count;
            foreach (var (holder, count) in slot.Held)
                if ((CollectionsMarshal.GetValueRefOrNullRef(_held, holder) -= count) == 0) _held.Remove(holder);
            _slots.Remove(end);
        }
    }

    private void Hold(Slot slot, ulong holder)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_held, holder, out _)++;
        CollectionsMarshal.GetValueRefOrAddDefault(slot.Held, holder, out _)++;
    }

    // Keyed, so that nobody can make two ids that fall together, or fill one place of the set.
    private ulong DigestOf(string text)
    {
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text), digest);
        return BinaryPrimitives.ReadUInt64LittleEndian(digest);
    }

    /// <summary>The proofs that end in one stretch of time, and how many of them each holder sent.</summary>
    private sealed class Slot
    {
        public HashSet<ulong> Proofs { get; } = [];

        public Dictionary<ulong, int> Held { get; } = [];
    }
}
