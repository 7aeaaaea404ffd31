using System.Globalization;
using System.Text;

namespace ProofKey.Client;

/// <summary>Turns the name of a profile into that of a file: two names never share a file, also where file names know no upper case.</summary>
internal static class ProfileName
{
    private const int MaxLength = 120;

    public static string ToFileName(string profile)
    {
        var name = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(profile))
        {
            var character = (char)value;
            if (char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '_') name.Append(character);
            else name.Append(CultureInfo.InvariantCulture, $"%{value:x2}");
        }
        return name.Length <= MaxLength ? name.ToString() : $"{name.ToString(0, 40)}%%{Convert.ToHexStringLower(Secret.Digest(profile))}";
    }
}
