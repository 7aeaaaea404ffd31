using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text;

namespace ProofKey;

/// <summary>
/// A QR code of a short text, such as an address for a phone (ISO/IEC 18004): bytes, error correction level M, versions 1 to 20. It is
/// immutable and needs a border of <see cref="Border"/> light modules on every side.
/// </summary>
public sealed class QrCode
{
    /// <summary>The most UTF-8 bytes of a text.</summary>
    public const int MaxLength = 666;

    /// <summary>How many light modules stand around the code.</summary>
    public const int Border = 4;

    // Of each version: all codewords, blocks, correction codewords in each block; and where alignment patterns have their centres.
    private static readonly (int Codewords, int Blocks, int Correction, int[] Alignment)[] Versions =
    [
        (26, 1, 10, []), (44, 1, 16, [6, 18]), (70, 1, 26, [6, 22]), (100, 2, 18, [6, 26]), (134, 2, 24, [6, 30]),
        (172, 4, 16, [6, 34]), (196, 4, 18, [6, 22, 38]), (242, 4, 22, [6, 24, 42]), (292, 5, 22, [6, 26, 46]), (346, 5, 26, [6, 28, 50]),
        (404, 5, 30, [6, 30, 54]), (466, 8, 22, [6, 32, 58]), (532, 9, 22, [6, 34, 62]), (581, 9, 24, [6, 26, 46, 66]), (655, 10, 24, [6, 26, 48, 70]),
        (733, 10, 28, [6, 26, 50, 74]), (815, 11, 28, [6, 30, 54, 78]), (901, 13, 26, [6, 30, 56, 82]), (991, 14, 26, [6, 30, 58, 86]), (1085, 16, 26, [6, 34, 62, 90]),
    ];

    private static readonly Func<int, int, bool>[] Masks =
    [
        (x, y) => (x + y) % 2 == 0,
        (_, y) => y % 2 == 0,
        (x, _) => x % 3 == 0,
        (x, y) => (x + y) % 3 == 0,
        (x, y) => ((x / 3) + (y / 2)) % 2 == 0,
        (x, y) => (x * y % 2) + (x * y % 3) == 0,
        (x, y) => ((x * y % 2) + (x * y % 3)) % 2 == 0,
        (x, y) => (((x + y) % 2) + (x * y % 3)) % 2 == 0,
    ];

    private readonly bool[,] _dark;
    private readonly bool[,] _isFixed;

    private QrCode(int version, byte[] codewords, int mask)
    {
        Size = (4 * version) + 17;
        _dark = new bool[Size, Size];
        _isFixed = new bool[Size, Size];
        DrawPatterns(version);
        DrawFormat(mask);
        DrawCodewords(codewords, Masks[mask]);
    }

    /// <summary>How many modules a side has, without the border.</summary>
    public int Size { get; }

    /// <summary>Whether a module is dark.</summary>
    /// <param name="x">Its column, from the left.</param>
    /// <param name="y">Its row, from the top.</param>
    public bool this[int x, int y] => _dark[x, y];

    /// <summary>Encodes a text in the smallest code that holds it, with the mask that reads best.</summary>
    /// <param name="text">The text.</param>
    /// <param name="code">The code, or <see langword="null"/> when the text is longer than <see cref="MaxLength"/> bytes.</param>
    /// <returns>Whether the text fits.</returns>
    public static bool TryEncode(string text, [NotNullWhen(true)] out QrCode? code)
    {
        ArgumentNullException.ThrowIfNull(text);
        code = Enumerable.Range(0, Masks.Length).Select(mask => Encode(text, mask)).MinBy(candidate => candidate?.Penalty() ?? 0);
        return code is not null;
    }

    /// <summary>Encodes a text with one mask.</summary>
    internal static QrCode? Encode(string text, int mask)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var version = 1; version <= Versions.Length; version++)
        {
            var lengthBits = version < 10 ? 8 : 16;
            if (4 + lengthBits + (8 * bytes.Length) <= 8 * DataLength(version)) return new QrCode(version, Interleave(version, Data(version, lengthBits, bytes)), mask);
        }
        return null;
    }

    private static int DataLength(int version) => Versions[version - 1].Codewords - (Versions[version - 1].Blocks * Versions[version - 1].Correction);

    // Mode and length, the bytes, four zero bits, and two fillers in turn. All but the mode is whole bytes, so everything is shifted by four bits.
    private static byte[] Data(int version, int lengthBits, byte[] bytes)
    {
        byte[] shifted = lengthBits == 8 ? [(byte)bytes.Length, .. bytes] : [(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];
        var data = new byte[DataLength(version)];
        data[0] = 0b0100 << 4;
        for (var i = 0; i < shifted.Length; i++)
        {
            data[i] |= (byte)(shifted[i] >> 4);
            data[i + 1] = (byte)(shifted[i] << 4);
        }
        for (var (i, filler) = (shifted.Length + 1, 0xEC); i < data.Length; i++, filler ^= 0xEC ^ 0x11) data[i] = (byte)filler;
        return data;
    }

    // Each block gets its correction; then the first codeword of each block, the second of each, and so on. The last blocks may be one longer.
    private static byte[] Interleave(int version, byte[] data)
    {
        var (_, count, correction, _) = Versions[version - 1];
        var shortLength = data.Length / count;
        var shortBlocks = count - (data.Length % count);
        var generator = Generator(correction);
        var blocks = new List<(byte[] Data, byte[] Correction)>();
        for (var (start, block) = (0, 0); block < count; block++)
        {
            var part = data.AsSpan(start, shortLength + (block < shortBlocks ? 0 : 1)).ToArray();
            blocks.Add((part, Remainder(part, generator)));
            start += part.Length;
        }
        return
        [
            .. Enumerable.Range(0, shortLength + 1).SelectMany(i => blocks.Where(block => i < block.Data.Length).Select(block => block.Data[i])),
            .. Enumerable.Range(0, correction).SelectMany(i => blocks.Select(block => block.Correction[i])),
        ];
    }

    // Reed and Solomon: the product of (x - 2^i), without its leading 1, over the field of 256 elements.
    private static byte[] Generator(int degree)
    {
        var product = new byte[degree];
        product[^1] = 1;
        byte root = 1;
        for (var i = 0; i < degree; i++)
        {
            for (var j = 0; j < degree; j++) product[j] = (byte)(Multiply(product[j], root) ^ (j + 1 < degree ? product[j + 1] : 0));
            root = Multiply(root, 2);
        }
        return product;
    }

    private static byte[] Remainder(byte[] data, byte[] generator)
    {
        var remainder = new byte[generator.Length];
        foreach (var value in data)
        {
            var factor = (byte)(value ^ remainder[0]);
            remainder.AsSpan(1).CopyTo(remainder);
            remainder[^1] = 0;
            for (var i = 0; i < remainder.Length; i++) remainder[i] ^= Multiply(generator[i], factor);
        }
        return remainder;
    }

    // Modulo x^8 + x^4 + x^3 + x^2 + 1.
    private static byte Multiply(byte left, byte right)
    {
        var product = 0;
        for (var bit = 7; bit >= 0; bit--)
        {
            product = (product << 1) ^ (product >> 7 == 0 ? 0 : 0x11D);
            if ((right >> bit & 1) != 0) product ^= left;
        }
        return (byte)product;
    }

    private void DrawPatterns(int version)
    {
        for (var i = 0; i < Size; i++)
        {
            Fix(6, i, i % 2 == 0);
            Fix(i, 6, i % 2 == 0);
        }
        // A finder with its light edge, seen from its centre, as far as it is on the code.
        foreach (var (x, y) in ((int X, int Y)[])[(3, 3), (Size - 4, 3), (3, Size - 4)]) DrawSquares(x, y, 4, distance => distance is not (2 or 4));
        var centres = Versions[version - 1].Alignment;
        // One wherever two of their lines cross, but for the three corners with a finder.
        foreach (var (x, y) in centres.SelectMany(x => centres.Select(y => (x, y))))
            if ((x, y) != (6, 6) && (x, y) != (6, Size - 7) && (x, y) != (Size - 7, 6)) DrawSquares(x, y, 2, distance => distance != 1);
        if (version < 7) return;
        var bits = version << 12 | CheckBits(version, 12, 0x1F25);
        for (var i = 0; i < 18; i++)
        {
            Fix(Size - 11 + (i % 3), i / 3, (bits >> i & 1) != 0);
            Fix(i / 3, Size - 11 + (i % 3), (bits >> i & 1) != 0);
        }
    }

    private void DrawSquares(int centreX, int centreY, int radius, Func<int, bool> isDark)
    {
        for (var x = Math.Max(0, centreX - radius); x <= Math.Min(Size - 1, centreX + radius); x++)
            for (var y = Math.Max(0, centreY - radius); y <= Math.Min(Size - 1, centreY + radius); y++)
                Fix(x, y, isDark(Math.Max(Math.Abs(x - centreX), Math.Abs(y - centreY))));
    }

    // Level M is 00. The bits stand twice, so that one corner may be lost.
    private void DrawFormat(int mask)
    {
        var bits = (mask << 10 | CheckBits(mask, 10, 0x537)) ^ 0x5412;
        for (var i = 0; i < 15; i++)
        {
            var isDark = (bits >> i & 1) != 0;
            if (i < 8) Fix(8, i < 6 ? i : i + 1, isDark);
            else Fix(i == 8 ? 7 : 14 - i, 8, isDark);
            if (i < 8) Fix(Size - 1 - i, 8, isDark);
            else Fix(8, Size - 15 + i, isDark);
        }
        Fix(8, Size - 8, true);
    }

    private static int CheckBits(int value, int count, int generator)
    {
        var rest = value << count;
        for (var degree = BitOperations.Log2((uint)generator); rest >> degree != 0;) rest ^= generator << (BitOperations.Log2((uint)rest) - degree);
        return rest;
    }

    // Two columns at a time, from the right, up and down in turn, past the timing column.
    private void DrawCodewords(byte[] codewords, Func<int, int, bool> mask)
    {
        var (next, goesUp) = (0, true);
        for (var right = Size - 1; right > 0; right -= 2, goesUp = !goesUp)
        {
            if (right == 6) right--;
            for (var step = 0; step < 2 * Size; step++)
            {
                var (x, y) = (right - (step % 2), goesUp ? Size - 1 - (step / 2) : step / 2);
                if (_isFixed[x, y]) continue;
                _dark[x, y] = (next < 8 * codewords.Length && (codewords[next / 8] >> (7 - (next % 8)) & 1) != 0) ^ mask(x, y);
                next++;
            }
        }
    }

    private void Fix(int x, int y, bool isDark) => (_dark[x, y], _isFixed[x, y]) = (isDark, true);

    // What confuses readers: long runs, full squares, what looks like a finder, and too much of one colour.
    private int Penalty()
    {
        var lines = Enumerable.Range(0, Size).SelectMany(i => new[] { Line(j => _dark[j, i]), Line(j => _dark[i, j]) });
        var penalty = lines.Sum(PenaltyOf);
        var dark = 0;
        for (var x = 0; x < Size; x++)
        {
            for (var y = 0; y < Size; y++)
            {
                if (_dark[x, y]) dark++;
                if (x > 0 && y > 0 && _dark[x, y] == _dark[x - 1, y] && _dark[x, y] == _dark[x, y - 1] && _dark[x, y] == _dark[x - 1, y - 1]) penalty += 3;
            }
        }
        return penalty + (10 * (Math.Abs((20 * dark) - (10 * Size * Size)) / (Size * Size)));
    }

    private string Line(Func<int, bool> isDark) => string.Create(Size, isDark, (line, dark) =>
    {
        for (var i = 0; i < line.Length; i++) line[i] = dark(i) ? '#' : ' ';
    });

    private static int PenaltyOf(string line)
    {
        var penalty = 0;
        for (var (i, run) = (0, 0); i < line.Length; i++)
        {
            run = i > 0 && line[i] == line[i - 1] ? run + 1 : 1;
            penalty += run == 5 ? 3 : run > 5 ? 1 : 0;
            var rest = line.AsSpan(i);
            if (rest.StartsWith("    # ### #") || rest.StartsWith("# ### #    ")) penalty += 40;
        }
        return penalty;
    }
}
