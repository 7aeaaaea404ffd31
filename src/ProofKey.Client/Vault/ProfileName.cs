using System.Globalization;
using System.Text;

namespace ProofKey.Client;

/// <summary>Turns the name of a profile into that of a file: two names never share a file, also where file names know no upper case.</summary>
internal static class ProfileName
{
    private const int MaxLength = 120;

    private static readonly string[] Devices = ["con", "prn", "aux", "nul", .. Enumerable.Range(0, 10).SelectMany(number => new[] { $"com{number}", $"lpt{number}" })];

    /// <summary>Whether Windows has a device of this name, in small letters, in every folder and whatever the ending.</summary>
    public static bool IsDevice(string name) => Devices.Contains(name);

    public static string ToFileName(string profile)
    {
        var name = new StringBuilder();
        var isDevice = IsDevice(profile);
        foreach (var value in Encoding.UTF8.GetBytes(profile))
        {
            var character = (char)value;
            if (isDevice && name.Length == 0) name.Append(CultureInfo.InvariantCulture, $"%{value:x2}");
            else if (char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '_') name.Append(character);
            else name.Append(CultureInfo.InvariantCulture, $"%{value:x2}");
        }
        return name.Length <= MaxLength ? name.ToString() : $"{name.ToString(0, 40)}%%{Convert.ToHexStringLower(Secret.Digest(profile))}";
    }
}
