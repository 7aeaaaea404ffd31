using System.Text;

namespace ProofKey.Client.Tests;

public sealed class VaultFileTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(number => (byte)number)];
    private static readonly byte[] Content = Encoding.UTF8.GetBytes("""{"version":1,"session":null}""");

    private static VaultHeader Header => new("key_file", VaultKey.IdOf(Key));

    [Fact]
    [Assertion("CL-12")]
    public void What_was_sealed_opens_with_its_key_and_with_no_other()
    {
        var file = VaultFile.Seal(Header, Key, Content);
        var (header, end, problem) = VaultFile.ReadHeader(file);

        (header, problem).ShouldBe((Header, ""));
        VaultFile.Open(Key, file, end).ShouldBe(Content);
        VaultFile.Open(Secret.NewBytes(32), file, end).ShouldBeNull();
    }

    [Fact]
    [Assertion("CL-12")]
    public void A_changed_bit_anywhere_in_the_file_is_noticed()
    {
        var file = VaultFile.Seal(Header, Key, Content);

        for (var bit = 0; bit < 8 * file.Length; bit++)
        {
            var changed = (byte[])file.Clone();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            var (header, end, _) = VaultFile.ReadHeader(changed);
            if (header is not null) VaultFile.Open(Key, changed, end).ShouldBeNull($"bit {bit}");
        }
    }

    [Fact]
    public void A_file_that_was_cut_short_is_noticed()
    {
        var file = VaultFile.Seal(Header, Key, Content);

        for (var length = 0; length < file.Length; length++)
        {
            var (header, end, _) = VaultFile.ReadHeader(file.AsSpan(0, length));
            if (header is not null) VaultFile.Open(Key, file.AsSpan(0, length), end).ShouldBeNull();
        }
    }

    [Fact]
    [Assertion("CL-12")]
    public void The_same_content_never_looks_the_same_twice()
    {
        var files = Enumerable.Range(0, 100).Select(_ => Convert.ToHexString(VaultFile.Seal(Header, Key, Content))).ToList();

        files.Distinct().Count().ShouldBe(100);
        files.Select(file => file[^(2 * (12 + Content.Length + 16))..^(2 * (Content.Length + 16))]).Distinct().Count().ShouldBe(100, "a nonce is used once");
    }

    // A vault that was written by a released version must open for ever.
    [Fact]
    public void The_constants_of_the_file_stay_as_they_are()
    {
        VaultKey.IdOf(Key).ShouldBe("dhXSx2FiIWA");
        Encoding.ASCII.GetString(VaultFile.Seal(Header, Key, Content)[..11]).ShouldBe("ProofKey\u0001\u0000\u002d");
        // Made by another program, from the description of the file alone.
        var old = Convert.FromHexString(
            "50726F6F664B657901002D7B226261636B656E64223A226B65795F66696C65222C226B65795F6964223A226468585378324669495741227D"
            + "6465666768696A6B6C6D6E6F3339A8030B9A3FF1504065D9F647199831B16F65E54EC91CD2BDC0351DAB3E7166E0C7CBDEAE78E94D41916A");
        var (header, end, _) = VaultFile.ReadHeader(old);
        header.ShouldBe(Header);
        VaultFile.Open(Key, old, end).ShouldBe(Content);
    }

    [Fact]
    public void A_version_of_later_is_named_and_not_called_damaged()
    {
        var file = VaultFile.Seal(Header, Key, Content);
        file[8] = 2;

        VaultFile.ReadHeader(file).Problem.ShouldContain("a newer version");
    }
}
