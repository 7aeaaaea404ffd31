using QRCoder;

namespace ProofKey.Core.Tests;

/// <summary>QR codes, module by module against another program's.</summary>
public sealed class QrCodeTests
{
    private const string Address = "https://signin.example.com/device?user_code=WDJB-MJHT";

    // Lower-case letters, so that the other program has no shorter way of writing them than bytes.
    private static string TextOf(int length) => string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i * i * 7 % 26))));

    public static TheoryData<int> Lengths => [.. (int[])[1, 13, 14, 15, 26, 27, 42, 43, 62, 63, 84, 85, 106, 107, 122, 123, 152, 153, 180, 181, 213, 214, 251, 252, 287, 288, 331, 332, 362, 363, 412, 413, 450, 451, 504, 505, 560, 561, 624, 625, 666]];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Every_module_is_where_another_program_puts_it_at_the_borders_of_every_version(int length)
    {
        using var generator = new QRCodeGenerator();
        using var theirs = generator.CreateQrCode(TextOf(length), QRCodeGenerator.ECCLevel.M, forceUtf8: true);
        var border = (theirs.ModuleMatrix.Count - QrCode.Encode(TextOf(length), 0)!.Size) / 2;
        border.ShouldBe(QrCode.Border);
        // The choice among the eight masks is a matter of taste; the rest is not.
        var ours = QrCode.Encode(TextOf(length), MaskOf(theirs, border))!;
        for (var y = 0; y < ours.Size; y++)
            for (var x = 0; x < ours.Size; x++)
                ours[x, y].ShouldBe(theirs.ModuleMatrix[y + border][x + border], $"column {x}, row {y}");
    }

    [Fact]
    public void The_mask_that_is_chosen_is_one_of_the_eight_and_the_same_each_time()
    {
        QrCode.TryEncode(Address, out var code).ShouldBeTrue();
        QrCode.TryEncode(Address, out var again).ShouldBeTrue();
        Enumerable.Range(0, 8).Count(mask => Same(code!, QrCode.Encode(Address, mask)!)).ShouldBe(1);
        Same(code!, again!).ShouldBeTrue();
        code!.Size.ShouldBe(33);
    }

    [Fact]
    public void What_is_too_long_or_not_ASCII_is_counted_in_bytes()
    {
        QrCode.TryEncode(TextOf(QrCode.MaxLength), out var largest).ShouldBeTrue();
        largest!.Size.ShouldBe(97);
        QrCode.TryEncode(TextOf(QrCode.MaxLength + 1), out _).ShouldBeFalse();
        QrCode.TryEncode(new string('\u00e9', 334), out _).ShouldBeFalse();
        QrCode.TryEncode("", out var smallest).ShouldBeTrue();
        smallest!.Size.ShouldBe(21);
    }

    private static bool Same(QrCode left, QrCode right) =>
        left.Size == right.Size && Enumerable.Range(0, left.Size * left.Size).All(i => left[i % left.Size, i / left.Size] == right[i % left.Size, i / left.Size]);

    // Three of the format's bits, which are themselves masked with 101010000010010.
    private static int MaskOf(QRCodeData data, int border)
    {
        var mask = 0;
        for (var x = 2; x < 5; x++) mask = mask << 1 | (data.ModuleMatrix[8 + border][x + border] ? 1 : 0);
        return mask ^ 0b101;
    }
}
