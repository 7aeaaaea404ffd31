namespace ProofKey.Testing.Tests;

public sealed class ShiftedTimeTests
{
    [Fact]
    public void Both_of_its_clocks_are_moved_so_that_nothing_looks_like_a_sleep()
    {
        var time = new ShiftedTime();
        var (now, stamp) = (time.GetUtcNow(), time.GetTimestamp());

        time.Shift = TimeSpan.FromHours(1);

        time.GetUtcNow().ShouldBe(now.AddHours(1), TimeSpan.FromMinutes(1));
        time.GetElapsedTime(stamp).ShouldBe(TimeSpan.FromHours(1), TimeSpan.FromMinutes(1));
    }
}
