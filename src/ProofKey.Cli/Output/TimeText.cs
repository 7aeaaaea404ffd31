using System.Globalization;

namespace ProofKey.Cli.Output;

/// <summary>Times for people, always in UTC.</summary>
internal static class TimeText
{
    /// <summary>Such as <c>2026-05-04 10:20:30 UTC</c>.</summary>
    public static string Of(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>Such as <c>in 9 min</c> or <c>3 days ago</c>.</summary>
    public static string Relative(DateTimeOffset time, DateTimeOffset now)
    {
        var distance = (time - now).Duration();
        if (distance < TimeSpan.FromSeconds(1)) return "now";
        return time > now ? $"in {Length(distance)}" : $"{Length(distance)} ago";
    }

    /// <summary>Such as <c>9 min</c>.</summary>
    public static string Length(TimeSpan length) => length switch
    {
        { TotalSeconds: < 90 } => $"{length.TotalSeconds:F0} s",
        { TotalMinutes: < 90 } => $"{length.TotalMinutes:F0} min",
        { TotalHours: < 48 } => $"{length.TotalHours:F0} h",
        _ => $"{length.TotalDays:F0} days",
    };
}
