using System.Security.Cryptography;
using System.Text;

namespace ProofKey.Core.Tests;

/// <summary>Random bytes, digests, ids.</summary>
public sealed class SecretTests
{
    [Fact]
    [Rfc("RFC 6749", "10.10")]
    public void Random_values_have_their_length_and_never_repeat()
    {
        Enumerable.Range(0, 1_000).Select(_ => Convert.ToHexString(Secret.NewBytes(16))).Distinct().Count().ShouldBe(1_000);
        Enumerable.Range(0, 1_000).Select(_ => Secret.NewText()).Distinct().Count().ShouldBe(1_000);
        Secret.NewBytes(7).Length.ShouldBe(7);
        Secret.NewText().Length.ShouldBe(43);
        Secret.NewText(16).Length.ShouldBe(22);
        Should.Throw<ArgumentOutOfRangeException>(() => Secret.NewBytes(0));
        var filled = new byte[32];
        Secret.Fill(filled);
        filled.ShouldNotBe(new byte[32]);
    }

    [Fact]
    [Rfc("RFC 9562", "5.7")]
    public void Ids_ascend_with_time_and_are_of_version_seven()
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(1_645_557_742_000);
        var ids = Enumerable.Range(0, 200).Select(i => Secret.NewId(now.AddMilliseconds(i))).ToList();

        Convert.ToHexString(ids[0])[..12].ShouldBe("017F22E279B0");
        ids.ShouldAllBe(id => id.Length == 16 && id[6] >> 4 == 7 && id[8] >> 6 == 0b10);
        ids.Select(Convert.ToHexString).ShouldBe(ids.Select(Convert.ToHexString).Order(StringComparer.Ordinal));
        Enumerable.Range(0, 1_000).Select(_ => Convert.ToHexString(Secret.NewId(now))).Distinct().Count().ShouldBe(1_000);
    }

    [Theory]
    [InlineData("", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("abc", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")]
    public void Digests_are_sha256(string text, string hex)
    {
        Convert.ToHexString(Secret.Digest(text)).ShouldBe(hex);
        Convert.ToHexString(Secret.Digest(Encoding.ASCII.GetBytes(text))).ShouldBe(hex);
    }

    [Fact]
    public void A_text_is_digested_as_utf8_whatever_its_length()
    {
        foreach (var length in new[] { 1, 340, 341, 342, 1_024, 5_000 })
        {
            var text = string.Concat(Enumerable.Repeat("é✓", length));
            var digest = new byte[Secret.DigestLength];
            Secret.Digest(text, digest);
            digest.ShouldBe(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        }
    }

    [Fact]
    public void Values_are_equal_only_when_all_bytes_are()
    {
        Secret.AreEqual([1, 2, 3], [1, 2, 3]).ShouldBeTrue();
        Secret.AreEqual([1, 2, 3], [1, 2, 4]).ShouldBeFalse();
        Secret.AreEqual([1, 2, 3], [1, 2]).ShouldBeFalse();
        Secret.AreEqual([], []).ShouldBeTrue();
    }
}
