namespace ProofKey.Client.Tests;

/// <summary>What Windows says while another program has a file open is waited out. The rule alone: the system itself is not run here.</summary>
public sealed class ContentionTests
{
    [Theory]
    [InlineData(32)]
    [InlineData(33)]
    public void A_file_that_another_program_has_open_is_tried_again(int error)
    {
        var attempts = 0;

        Contention.Outlast(() => ++attempts < 3 ? throw new IOException("in use", unchecked((int)0x80070000) | error) : attempts, TimeSpan.FromSeconds(20)).ShouldBe(3);
    }

    [Fact]
    public void A_refusal_that_stays_is_told_in_the_end()
    {
        var attempts = 0;

        Should.Throw<UnauthorizedAccessException>(() => Contention.Outlast<int>(() => throw new UnauthorizedAccessException($"{++attempts}"), TimeSpan.FromMilliseconds(40)));

        attempts.ShouldBeGreaterThan(1);
    }

    [Fact]
    public void What_waiting_does_not_mend_is_told_at_once()
    {
        var attempts = 0;

        Should.Throw<FileNotFoundException>(() => Contention.Outlast<int>(() => throw new FileNotFoundException($"{++attempts}"), TimeSpan.FromSeconds(20)));
        Should.Throw<IOException>(() => Contention.Outlast<int>(() => throw new IOException($"{++attempts}", unchecked((int)0x80070070)), TimeSpan.FromSeconds(20)));

        attempts.ShouldBe(2);
    }
}
