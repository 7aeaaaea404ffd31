using ProofKey.Server.Storage;

namespace ProofKey.Server.Keys;

/// <summary>What has to change in the key table.</summary>
internal sealed record KeyPlan(IReadOnlyList<(KeyLine Line, DateTimeOffset NotBefore)> Make, IReadOnlyList<(StoredKey Key, DateTimeOffset At)> Retire, IReadOnlyList<StoredKey> Remove)
{
    public bool IsEmpty => Make.Count == 0 && Retire.Count == 0 && Remove.Count == 0;
}

/// <summary>
/// When keys follow each other. In each line one key is in use; its successor is there before it is used, its predecessors stay until
/// nothing that they signed or sealed can be alive.
/// </summary>
internal sealed class KeySchedule(TimeSpan signingKeyLifetime, TimeSpan sealedLifetime)
{
    private static readonly TimeSpan SealingKeyLifetime = TimeSpan.FromDays(7);

    /// <summary>Compares the table with the rules.</summary>
    /// <param name="keys">All keys, in the order in which they come into use.</param>
    /// <param name="needed">The lines that must have a key.</param>
    /// <param name="now">The time.</param>
    public KeyPlan Plan(IReadOnlyList<StoredKey> keys, IEnumerable<KeyLine> needed, DateTimeOffset now)
    {
        var (make, retire, remove) = (new List<(KeyLine, DateTimeOffset)>(), new List<(StoredKey, DateTimeOffset)>(), new List<StoredKey>());
        foreach (var line in needed.Concat(keys.Select(key => key.Line)).Distinct())
        {
            var own = keys.Where(key => key.Line == line).ToList();
            if (NextStart(line, own, now) is { } start) make.Add((line, start));
            foreach (var (key, successor) in own.Zip(own.Skip(1)))
            {
                if (key.RetireAfter is null) retire.Add((key, successor.NotBefore + Retention(line)));
                else if (key.RetireAfter <= now) remove.Add(key);
            }
        }
        return new(make, retire, remove);
    }

    /// <summary>The key of a line that is in use: the newest whose time has come, or the first of all.</summary>
    public static StoredKey? Current(IEnumerable<StoredKey> line, DateTimeOffset now)
    {
        StoredKey? current = null;
        foreach (var key in line)
            if (current is null || key.NotBefore <= now) current = key;
        return current;
    }

    // A first key is of use at once: there is nobody yet who could know another one. A later one is known before it is used.
    private DateTimeOffset? NextStart(KeyLine line, List<StoredKey> own, DateTimeOffset now)
    {
        if (own.Count == 0) return now;
        var due = own[^1].NotBefore + Lifetime(line);
        if (due - line.PublishDelay > now) return null;
        return due > now + line.PublishDelay ? due : now + line.PublishDelay;
    }

    private TimeSpan Lifetime(KeyLine line) => line.Purpose == KeyLine.Sealing ? SealingKeyLifetime + line.PublishDelay : signingKeyLifetime;

    // What was sealed last is a refresh token, which dies with the longest grant, or because it is not used. Tokens that were signed die within the hour, but an ID token
    // comes back as a hint when its holder signs out. A day more costs nothing.
    private TimeSpan Retention(KeyLine line) =>
        (line.Purpose == KeyLine.Sealing || sealedLifetime < signingKeyLifetime ? sealedLifetime : signingKeyLifetime) + TimeSpan.FromDays(1);
}
