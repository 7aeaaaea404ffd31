using System.Diagnostics;
using ProofKey.Client;

namespace ProofKey.Tests.Kills;

/// <summary>When a process was killed: before anybody renewed the session, while it did so itself or another one did, or when that was done.</summary>
internal enum Moment
{
    Before,
    WhileItRenewed,
    WhileAnotherRenewed,
    After,
}

/// <summary>What became of twenty processes of which one was killed.</summary>
/// <param name="Moment">When; <see langword="null"/> where it had ended just before, so that nobody was killed.</param>
/// <param name="Others">What the others said.</param>
/// <param name="Description">What was done.</param>
internal sealed record Kill(Moment? Moment, IReadOnlyList<Said> Others, string Description)
{
    /// <summary>What was done, and the exit codes and errors of the others.</summary>
    public string Errors => $"{Description}:\n{string.Join('\n', Others.Select(other => $"{other.ExitCode} {other.Errors.Trim()}"))}\n";

    /// <summary>How many fell when.</summary>
    public static string Moments(IReadOnlyCollection<Kill> kills)
    {
        int At(Moment moment) => kills.Count(kill => kill.Moment == moment);
        return $"{At(Kills.Moment.Before)} before a renewal, {At(Kills.Moment.WhileItRenewed)} within the victim's, {At(Kills.Moment.WhileAnotherRenewed)} within another's, {At(Kills.Moment.After)} after it";
    }
}

/// <summary>Twenty runs of <c>proofkey token</c> at once, on a session that has expired, and the death of one of them.</summary>
/// <param name="vault">The session.</param>
/// <param name="start">Starts one of them.</param>
internal sealed class OneOfTwenty(SharedVault vault, Func<RunningToken> start)
{
    private const int Many = 20;

    // How long they took last, where nobody was killed in the midst of it: from the last start to the last end, and from the lock to the tokens on the disk.
    private TimeSpan _whole;
    private TimeSpan _renewal;

    /// <summary>Lets all of them come to their end, and learns how long that takes.</summary>
    public async Task<IReadOnlyList<Said>> UndisturbedAsync(CancellationToken cancel)
    {
        await vault.ExpireAsync();
        var running = Start();
        var began = Stopwatch.GetTimestamp();
        _renewal = await RenewalAsync(running, cancel);
        var said = await Task.WhenAll(running.Select(process => process.EndAsync()));
        _whole = Stopwatch.GetElapsedTime(began);
        return said;
    }

    /// <summary>Kills one of them: anybody who is there at any moment, or the one that renews the session.</summary>
    public async Task<Kill> KillAsync(Dice dice, bool whoRenews, CancellationToken cancel)
    {
        await vault.ExpireAsync();
        var running = Start();
        var began = Stopwatch.GetTimestamp();
        var renewal = RenewalAsync(running, cancel);
        var victim = whoRenews ? await HolderAsync(running, cancel) : null;
        var after = dice.Below((int)(whoRenews ? 1.25 * _renewal : _whole).TotalMilliseconds + 1);
        await Task.Delay(TimeSpan.FromMilliseconds(after), TimeProvider.System, cancel);
        var living = running.Where(process => !process.Ended.IsCompleted).ToList();
        victim ??= living.Count > 0 ? living[dice.Below(living.Count)] : running[0];
        var seen = await LookAsync(running);
        victim.Kill();
        var moment = MomentOf(victim, seen, await LookAsync(running));

        var others = await Task.WhenAll(running.Where(process => process != victim).Select(process => process.EndAsync()));
        var killed = await victim.EndAsync();
        var kill = new Kill(
            killed.WasKilled ? moment : null, others,
            $"number {running.IndexOf(victim)} of the twenty was killed {after} ms after {(whoRenews ? "it had the lock" : "the start of all")} ({moment}, exit code {killed.ExitCode}); "
            + $"the last ones took {_whole.TotalMilliseconds:0} ms, {_renewal.TotalMilliseconds:0} for the renewal");
        _whole = Stopwatch.GetElapsedTime(began);
        if (kill.Moment is not Kills.Moment.WhileItRenewed) _renewal = await renewal;
        return kill;
    }

    private List<RunningToken> Start() => [.. Enumerable.Range(0, Many).Select(_ => start())];

    private async Task<TimeSpan> RenewalAsync(List<RunningToken> running, CancellationToken cancel)
    {
        await HolderAsync(running, cancel);
        var locked = Stopwatch.GetTimestamp();
        await UntilAsync(running, async () => await vault.SessionAsync() is not { } session || !IsExpired(session), cancel);
        return Stopwatch.GetElapsedTime(locked);
    }

    // The first to have the lock is the one that renews.
    private async Task<RunningToken?> HolderAsync(List<RunningToken> running, CancellationToken cancel)
    {
        RunningToken? holder = null;
        await UntilAsync(running, () => Task.FromResult((holder = Holder(running)) is not null), cancel);
        return holder;
    }

    private RunningToken? Holder(List<RunningToken> running) => running.Find(process => process.Id == vault.Holder);

    private async Task<(RunningToken? Holder, StoredSession? Session)> LookAsync(List<RunningToken> running) => (Holder(running), await vault.SessionAsync());

    // What was seen before, and what it left: in between another one may have asked the server, and have been refused.
    private static Moment MomentOf(RunningToken victim, (RunningToken? Holder, StoredSession? Session) seen, (RunningToken? Holder, StoredSession? Session) left)
    {
        if (seen.Session is { } session && !IsExpired(session)) return Moment.After;
        if (seen.Holder == victim || left.Session is null || (left.Holder == victim && left.Session.WasInterrupted)) return Moment.WhileItRenewed;
        return seen.Holder is null ? Moment.Before : Moment.WhileAnotherRenewed;
    }

    private static bool IsExpired(StoredSession session) => session.ExpiresAt < TimeProvider.System.GetUtcNow();

    // Files tell nobody in time that they change. Where all have ended, nothing more will come.
    private static async Task UntilAsync(List<RunningToken> running, Func<Task<bool>> comes, CancellationToken cancel)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (!await comes() && !running.TrueForAll(process => process.Ended.IsCompleted)) await ticks.WaitForNextTickAsync(cancel);
    }
}
