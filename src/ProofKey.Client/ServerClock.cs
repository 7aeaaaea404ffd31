using System.Globalization;

namespace ProofKey.Client;

/// <summary>
/// How far this machine's clock is from the server's, by the Date of its last answer (RFC 9110 section 6.6.1). It is told to the person
/// and changes no check: a clock that a server could set would undo every one of them.
/// </summary>
internal sealed class ServerClock
{
    // Less may be the way that the answer took.
    private static readonly TimeSpan Notable = TimeSpan.FromSeconds(30);

    private Reading? _last;

    private sealed record Reading(string Host, TimeSpan Ahead);

    public void Observe(string host, DateTimeOffset? date, DateTimeOffset now)
    {
        if (date is { } theirs) Volatile.Write(ref _last, new Reading(host, now - theirs));
    }

    /// <summary>What to add to a sentence about a time that is wrong; empty where the clocks agree or nothing is known.</summary>
    public string Clause() => Volatile.Read(ref _last) is { } last && last.Ahead.Duration() >= Notable
        ? $"; this machine's clock is {Length(last.Ahead.Duration())} {(last.Ahead > TimeSpan.Zero ? "ahead of" : "behind")} the one of {last.Host}"
        : "";

    private static string Length(TimeSpan time) => time switch
    {
        { TotalSeconds: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F0} s"),
        { TotalMinutes: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:F0} min"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:F0} hours"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:F0} days"),
    };
}
