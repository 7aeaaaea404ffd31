namespace ProofKey.Client.Tests;

/// <summary>A machine that slept past the renewal of many programs' tokens, and wakes all of them in one instant.</summary>
public sealed class WakeUpTests
{
    private static readonly TimeSpan PastTheEnd = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan Spread = TimeSpan.FromSeconds(2.01);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_whose_renewal_was_slept_through_is_renewed_after_a_pause_and_the_next_one_without()
    {
        await using var server = await ScriptedServer.StartAsync();
        var time = new Laptop(server.Time);
        await using var client = await SignedInAsync(server, time);
        var session = (await client.FindSessionAsync(Cancel))!;
        time.Sleep(PastTheEnd);

        var asking = session.GetAccessTokenAsync(cancel: Cancel);
        (await time.Pausing.Task.WaitAsync(Patience, Cancel)).ShouldBeInRange(TimeSpan.FromMilliseconds(1), Spread);
        asking.IsCompleted.ShouldBeFalse();
        server.TokenRequests.Count.ShouldBe(1);
        time.Work(Spread);

        (await asking).ExpiresAt.ShouldBeGreaterThan(time.GetUtcNow());
        server.TokenRequests.Count.ShouldBe(2);
        time.Work(PastTheEnd);
        await session.GetAccessTokenAsync(cancel: Cancel).WaitAsync(Patience, Cancel);
        server.TokenRequests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Nobody_waits_where_the_machine_was_awake_all_the_time()
    {
        await using var server = await ScriptedServer.StartAsync();
        var time = new Laptop(server.Time);
        await using var client = await SignedInAsync(server, time);
        time.Work(PastTheEnd);

        await (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel).WaitAsync(Patience, Cancel);

        server.TokenRequests.Count.ShouldBe(2);
        time.Pausing.Task.IsCompleted.ShouldBeFalse();
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(9.9, true)]
    [InlineData(7.5, false)]
    [InlineData(5, false)]
    [InlineData(-20, false)]
    public void Only_a_token_that_is_more_than_a_minute_late_waits(double minutes, bool waits)
    {
        var time = new Laptop(new ShiftedTime());
        var token = new HeldToken("token", time.GetUtcNow(), time.GetUtcNow() + TimeSpan.FromMinutes(10));
        var wakeUp = new WakeUp(time);
        time.Sleep(TimeSpan.FromMinutes(minutes));

        (wakeUp.Pause(token, 0.72) > TimeSpan.Zero).ShouldBe(waits);
        wakeUp.Pause(token, 0.72).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void Programs_that_wake_together_do_not_go_on_together()
    {
        var time = new Laptop(new ShiftedTime());
        var token = new HeldToken("token", time.GetUtcNow(), time.GetUtcNow() + TimeSpan.FromMinutes(10));
        var programs = Enumerable.Range(0, 100).Select(_ => new WakeUp(time)).ToList();
        time.Sleep(PastTheEnd);

        var pauses = programs.ConvertAll(program => program.Pause(token, 0.72));

        pauses.ShouldAllBe(pause => pause > TimeSpan.Zero && pause <= Spread);
        pauses.Distinct().Count().ShouldBeGreaterThan(90);
        (pauses.Max() - pauses.Min()).ShouldBeGreaterThan(TimeSpan.FromSeconds(1));
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TimeProvider time)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { TimeProvider = time });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }

    /// <summary>A clock that a test moves, of a machine that may sleep: then only the wall clock goes on. The server's goes with it.</summary>
    private sealed class Laptop(ShiftedTime server) : TimeProvider
    {
        private readonly ManualTime _clock = new(server.GetUtcNow());
        private TimeSpan _slept;

        /// <summary>The first wait that is as short as the one after a sleep.</summary>
        public TaskCompletionSource<TimeSpan> Pausing { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override long TimestampFrequency => _clock.TimestampFrequency;

        public void Sleep(TimeSpan by)
        {
            _slept += by;
            Work(by);
        }

        public void Work(TimeSpan by)
        {
            server.Shift += by;
            _clock.Advance(by);
        }

        public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

        public override long GetTimestamp() => _clock.GetTimestamp() - _slept.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero && dueTime <= Spread) Pausing.TrySetResult(dueTime);
            return _clock.CreateTimer(callback, state, dueTime, period);
        }
    }
}
