namespace ProofKey.Core.Tests;

/// <summary>One text for each value, and no other.</summary>
[Rfc("RFC 7515", "2")]
[Rfc("RFC 4648", "5")]
public sealed class Base64UrlTextTests
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    [Theory]
    [Rfc("RFC 7515", "C")]
    [InlineData("", "")]
    [InlineData("00", "AA")]
    [InlineData("FB", "-w")]
    [InlineData("FFFF", "__8")]
    [InlineData("03ECFFE0C1", "A-z_4ME")]
    public void Bytes_have_their_text(string hex, string text)
    {
        Base64UrlText.Encode(Convert.FromHexString(hex)).ShouldBe(text);
        Base64UrlText.TryDecode(text, out var bytes).ShouldBeTrue();
        Convert.ToHexString(bytes!).ShouldBe(hex);
    }

    [Fact]
    public void Any_bytes_survive_being_written_and_read()
    {
        var random = new Random(4648);
        for (var length = 0; length < 300; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            var text = Base64UrlText.Encode(bytes);
            text.ShouldBe(Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_'));
            Base64UrlText.TryDecode(text, out var read).ShouldBeTrue();
            read.ShouldBe(bytes);
            var exactly = new byte[length];
            Base64UrlText.TryDecodeExactly(text, exactly).ShouldBeTrue();
            exactly.ShouldBe(bytes);
            Base64UrlText.TryDecodeExactly(text, new byte[length + 1]).ShouldBeFalse();
            if (length > 0) Base64UrlText.TryDecodeExactly(text, new byte[length - 1]).ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("A")]
    [InlineData("AAAAA")]
    [InlineData("AA==")]
    [InlineData("AA=")]
    [InlineData("AAA=")]
    [InlineData("====")]
    [InlineData("A A")]
    [InlineData(" AA")]
    [InlineData("AA ")]
    [InlineData("AA\n")]
    [InlineData("AA\r\n")]
    [InlineData("A\tA")]
    [InlineData("A+AA")]
    [InlineData("A/AA")]
    [InlineData("A.AA")]
    [InlineData("A~AA")]
    [InlineData("A%AA")]
    [InlineData("A\0AA")]
    [InlineData("AÀAA")]
    [InlineData("ＡAAA")]
    public void What_is_not_strict_is_refused(string text)
    {
        Base64UrlText.TryDecode(text, out var bytes).ShouldBeFalse();
        bytes.ShouldBeNull();
        Base64UrlText.TryDecodeExactly(text, new byte[2]).ShouldBeFalse();
    }

    [Fact]
    [Rfc("RFC 4648", "3.5")]
    public void Of_all_spellings_of_a_value_one_is_accepted()
    {
        string[] two = [.. Letters.Select(last => $"A{last}")];
        two.Count(text => Base64UrlText.TryDecode(text, out _)).ShouldBe(4);
        string[] three = [.. Letters.Select(last => $"AA{last}")];
        three.Count(text => Base64UrlText.TryDecode(text, out _)).ShouldBe(16);
        foreach (var text in two.Concat(three))
            if (Base64UrlText.TryDecode(text, out var bytes)) Base64UrlText.Encode(bytes).ShouldBe(text);
    }
}
