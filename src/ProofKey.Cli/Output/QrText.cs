using System.Text;

namespace ProofKey.Cli.Output;

/// <summary>A QR code made of characters, two modules in each.</summary>
internal static class QrText
{
    // Dark on light whatever the colours of the terminal are: many cameras read no other.
    private const string BlackOnWhite = "\e[38;5;16;48;5;231m";
    private const string Normal = "\e[0m";

    /// <summary>How many columns a code takes.</summary>
    public static int Width(QrCode code) => code.Size + (2 * QrCode.Border);

    /// <summary>The lines of a code.</summary>
    /// <param name="code">The code.</param>
    /// <param name="colours">Whether colours may be set. Without them the light modules are drawn, as fits a dark terminal.</param>
    public static IEnumerable<string> Lines(QrCode code, bool colours)
    {
        for (var y = -QrCode.Border; y < code.Size + QrCode.Border; y += 2)
        {
            var line = new StringBuilder();
            for (var x = -QrCode.Border; x < code.Size + QrCode.Border; x++)
            {
                var (upper, lower) = (IsDrawn(code, x, y, colours), IsDrawn(code, x, y + 1, colours));
                line.Append((upper, lower) switch { (true, true) => '█', (true, false) => '▀', (false, true) => '▄', _ => ' ' });
            }
            yield return colours ? $"{BlackOnWhite}{line}{Normal}" : line.ToString();
        }
    }

    private static bool IsDrawn(QrCode code, int x, int y, bool colours)
    {
        var isDark = x >= 0 && y >= 0 && x < code.Size && y < code.Size && code[x, y];
        return isDark == colours;
    }
}
