using System.Net;

namespace ProofKey.Tests.Invariants;

/// <summary>
/// What must be so in every log of clients, however their requests overlapped and whatever happened to the server in between. Each rule
/// names the entries that break it.
/// </summary>
internal static class SafetyInvariants
{
    /// <summary>The broken rules of a log, in words; none when it is as it must be.</summary>
    /// <param name="log">The log.</param>
    /// <param name="mayBeUnavailable">Whether something failed that the server cannot do without: it may then say so (503), and nothing worse.</param>
    /// <param name="isStrict">Whether a refresh token is good once, without leeway.</param>
    public static List<string> Broken(IReadOnlyCollection<LogEntry> log, bool mayBeUnavailable = false, bool isStrict = false)
    {
        var broken = new List<string>();
        foreach (var entry in log.Where(entry => entry.Status >= HttpStatusCode.InternalServerError && !(mayBeUnavailable && entry.Status == HttpStatusCode.ServiceUnavailable))) broken.Add($"no 5xx: {entry}");
        if (isStrict)
            foreach (var token in log.Where(entry => entry is { Act: Act.Refresh, Succeeded: true }).CountBy(entry => entry.Presented!).Where(uses => uses.Value > 1)) broken.Add($"I2, good more than once: {token.Key}");
        foreach (var entry in log.Where(entry => entry.Succeeded && entry.Client != entry.IssuedTo && entry.Act != Act.Revoke)) broken.Add($"I4, works for another client: {entry}");
        foreach (var grant in log.GroupBy(entry => entry.Grant)) broken.AddRange(BrokenIn([.. grant]));
        return broken;
    }

    private static IEnumerable<string> BrokenIn(List<LogEntry> log)
    {
        var good = log.Where(entry => entry.Succeeded && entry.Act is Act.Redeem or Act.Refresh or Act.Userinfo && entry.Succeeded).ToList();
        if (good.Count(entry => entry.Act == Act.Redeem) > 1) yield return $"I1, a code was redeemed twice: {log[0].Grant}";
        foreach (var line in Forks(good)) yield return line;
        foreach (var revoked in log.Where(entry => entry is { Act: Act.Revoke, Succeeded: true }))
            foreach (var late in good.Where(revoked.Precedes)) yield return $"I3, worked after it was revoked: {late}";
        foreach (var line in UsedAgain(log, good)) yield return line;
        foreach (var ended in log.Where(entry => entry.Act == Act.End))
            foreach (var late in good.Where(ended.Precedes)) yield return $"I6, worked after account, client or session had gone: {late}";
    }

    // I2: two tokens of one grant, neither made from the other, that both go on when both have been handed out.
    private static IEnumerable<string> Forks(List<LogEntry> good)
    {
        var parents = new Dictionary<string, string>();
        foreach (var entry in good)
            if (entry is { Act: Act.Refresh, RefreshToken: { } next, Presented: { } from } && next != from) parents.TryAdd(next, from);
        var uses = good.Where(entry => entry.Act == Act.Refresh).ToList();
        foreach (var one in uses)
            foreach (var other in uses.Where(other => string.CompareOrdinal(one.Presented, other.Presented) < 0))
                if (!IsAncestor(parents, one.Presented!, other.Presented!) && !IsAncestor(parents, other.Presented!, one.Presented!)
                    && HandedOut(good, one.Presented!) is { } first && HandedOut(good, other.Presented!) is { } second
                    && Math.Max(first, second) < Math.Min(one.Began, other.Began))
                    yield return $"I2, two living lineages: {one} and {other}";
    }

    // I5: a code that was used, and a token whose successor was used, are dead for good.
    private static IEnumerable<string> UsedAgain(List<LogEntry> log, List<LogEntry> good)
    {
        foreach (var use in good.Where(entry => entry.Act is Act.Redeem or Act.Refresh))
        {
            if (use.Act == Act.Redeem)
                foreach (var late in log.Where(entry => entry.Act == Act.Redeem && entry.Succeeded && use.Precedes(entry))) yield return $"I5, a used code worked again: {late}";
            else
                foreach (var successor in good.Where(entry => entry.Act == Act.Refresh && entry.Presented == use.RefreshToken && entry.RefreshToken != entry.Presented))
                    foreach (var late in good.Where(entry => entry.Act == Act.Refresh && entry.Presented == use.Presented && entry.Presented != successor.Presented && successor.Precedes(entry)))
                        yield return $"I5, a token worked although its successor had been used: {late}";
        }
    }

    private static long? HandedOut(List<LogEntry> good, string token) => good.Where(entry => entry.RefreshToken == token).Select(entry => (long?)entry.Ended).Min();

    private static bool IsAncestor(Dictionary<string, string> parents, string ancestor, string token)
    {
        var steps = 0;
        for (string? at = token; at is not null && steps++ < 1000; at = parents.GetValueOrDefault(at))
            if (at == ancestor) return true;
        return false;
    }
}
