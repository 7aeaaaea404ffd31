using System.Globalization;
using System.Text.Json;

namespace ProofKey.Client;

/// <summary>Reads single members of what servers say.</summary>
internal static class WireMembers
{
    /// <summary>A text; <see langword="null"/> where there is none, or where the member is something else.</summary>
    public static string? Text(this JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A number of seconds above zero, which some servers write as text.</summary>
    /// <param name="json">The object.</param>
    /// <param name="name">The member.</param>
    /// <param name="most">What counts in the place of more.</param>
    /// <param name="time">How long that is; <see langword="null"/> where the member is absent, or null, as some serializers write it.</param>
    /// <returns>Whether it is absent, or such a number.</returns>
    public static bool TrySeconds(this JsonElement json, string name, TimeSpan most, out TimeSpan? time)
    {
        time = null;
        if (!json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return true;
        long seconds = 0;
        var isNumber = value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetInt64(out seconds),
            JsonValueKind.String => long.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out seconds),
            _ => false,
        };
        if (!isNumber || seconds <= 0) return false;
        time = seconds < most.TotalSeconds ? TimeSpan.FromSeconds(seconds) : most;
        return true;
    }
}
