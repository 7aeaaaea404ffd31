namespace ProofKey.Tests.Kills;

/// <summary>Chances that follow from a seed, so that a run can be tried again. Everybody has dice of their own: threads come in any order.</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A number from 0 on, below a bound.</summary>
    public int Below(int bound) => (int)(Next() % (ulong)bound);

    /// <summary>Whether something happens that happens so often in a hundred times.</summary>
    public bool Hits(int percent) => Below(100) < percent;

    /// <summary>Dice for somebody else.</summary>
    public Dice Another() => new(Next());

    // SplitMix64.
    private ulong Next()
    {
        var mixed = _state += 0x9e3779b97f4a7c15;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }
}
