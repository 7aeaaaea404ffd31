using System.Globalization;

namespace ProofKey.Server.Pages;

/// <summary>Short times in words.</summary>
internal static class TimeWords
{
    public static string Minutes(TimeSpan time)
    {
        var minutes = (int)Math.Ceiling(time.TotalMinutes);
        return minutes == 1 ? "a minute" : string.Create(CultureInfo.InvariantCulture, $"{minutes} minutes");
    }

    public static string Ago(TimeSpan time) => time < TimeSpan.FromMinutes(1) ? "less than a minute ago" : $"{Minutes(TimeSpan.FromMinutes(Math.Floor(time.TotalMinutes)))} ago";
}
