namespace ProofKey.Testing.Tests;

public sealed class ManualTimeTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void It_stands_still_until_it_is_moved()
    {
        var (now, stamp) = (_time.GetUtcNow(), _time.GetTimestamp());
        _time.GetUtcNow().ShouldBe(now);

        _time.Advance(TimeSpan.FromSeconds(90));

        _time.Now.ShouldBe(now.AddSeconds(90));
        _time.GetElapsedTime(stamp).ShouldBe(TimeSpan.FromSeconds(90));
    }

    [Fact]
    public void Time_may_pass_with_each_look()
    {
        _time.PassesPerRead = TimeSpan.FromSeconds(1);
        var first = _time.GetUtcNow();

        _time.GetUtcNow().ShouldBe(first.AddSeconds(1));
        _time.Now.ShouldBe(first.AddSeconds(1), "to look here takes no time");
    }

    [Fact]
    public async Task A_wait_ends_when_the_clock_is_moved_past_it_and_not_before()
    {
        var wait = Task.Delay(TimeSpan.FromMinutes(5), _time, TestContext.Current.CancellationToken);

        _time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        wait.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromTicks(1));

        await wait;
    }

    [Fact]
    public void A_timer_with_a_period_comes_again_and_one_that_was_disposed_does_not()
    {
        var ticks = 0;
        var timer = _time.CreateTimer(_ => ticks++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));

        _time.Advance(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(10));
        ticks.ShouldBe(2);

        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan).ShouldBeTrue();
        _time.Advance(TimeSpan.FromHours(1));
        timer.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        timer.Dispose();
        _time.Advance(TimeSpan.FromHours(1));
        ticks.ShouldBe(2);
    }

    [Fact]
    public void What_becomes_due_on_the_way_runs_at_its_own_time_and_so_does_what_it_starts()
    {
        var (start, ran) = (_time.Now, new List<(string Timer, double Seconds)>());
        void Note(string timer) => ran.Add((timer, (_time.Now - start).TotalSeconds));
        using var often = _time.CreateTimer(_ => Note("often"), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        ITimer? later = null;
        using var first = _time.CreateTimer(
            _ =>
            {
                Note("first");
                later = _time.CreateTimer(_ => Note("later"), null, TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
            },
            null,
            TimeSpan.FromSeconds(3),
            Timeout.InfiniteTimeSpan);

        _time.Advance(TimeSpan.FromSeconds(6));

        ran.ShouldBe([("often", 2), ("first", 3), ("often", 4), ("later", 5), ("often", 6)]);
        _time.Now.ShouldBe(start.AddSeconds(6));
        later!.Dispose();
    }

    [Fact]
    public void What_is_due_at_once_runs_with_the_next_move_of_nothing_too()
    {
        var ran = 0;
        using var timer = _time.CreateTimer(_ => ran++, null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        _time.Advance(TimeSpan.Zero);
        _time.Advance(-TimeSpan.FromSeconds(1));

        ran.ShouldBe(1);
    }

    [Fact]
    public void Without_timers_nothing_happens_by_itself()
    {
        var still = new ManualTime { RunsTimers = false };
        var wait = Task.Delay(TimeSpan.FromSeconds(1), still, TestContext.Current.CancellationToken);

        still.Advance(TimeSpan.FromDays(1));

        wait.IsCompleted.ShouldBeFalse();
    }
}
