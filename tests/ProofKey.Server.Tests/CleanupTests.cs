using System.Threading.Channels;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Databases;

namespace ProofKey.Server.Tests;

/// <summary>When what has ended is deleted, and how little of the database's time that takes at once.</summary>
public sealed class CleanupTests : IDisposable
{
    private readonly StorageFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 9)]
    [InlineData(4, 36)]
    [InlineData(30, 100)]
    public async Task It_deletes_ten_rows_at_a_time_and_then_leaves_the_database_to_others_for_nine_times_as_long_or_a_tenth_of_a_second(int stepTakes, int pause)
    {
        var time = new PacedTime { PassesPerRead = TimeSpan.FromMilliseconds(stepTakes), OverAtOnce = int.MaxValue };
        await using var stores = await Stores.OpenAsync(DataFolder.Open(_folder.Path), time);
        await Task.WhenAll(Enumerable.Range(0, 122).Select(_ => EndedAsync(stores)));
        time.Waits.Clear();

        (await stores.Of<Cleanup>().RunAsync(CancellationToken.None)).ShouldBe(122);
        time.Waits.ShouldBe(Enumerable.Repeat(TimeSpan.FromMilliseconds(pause), 12));
        (await stores.Of<Cleanup>().RunAsync(CancellationToken.None)).ShouldBe(0);
        time.Waits.Count.ShouldBe(12, "who finds nothing, or the last of it, waits for nothing");
    }

    [Fact]
    public async Task It_stops_between_two_steps_with_the_server()
    {
        var time = new PacedTime { PassesPerRead = TimeSpan.FromMilliseconds(1) };
        await using var stores = await Stores.OpenAsync(DataFolder.Open(_folder.Path), time);
        await Task.WhenAll(Enumerable.Range(0, 25).Select(_ => EndedAsync(stores)));
        using var stop = new CancellationTokenSource();
        var running = stores.Of<Cleanup>().RunAsync(stop.Token);
        await time.WaitingAsync(1);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(running);
        (await LeftAsync(stores)).ShouldBe(15);
    }

    [Fact]
    public async Task The_first_time_is_a_minute_after_the_start_so_that_a_server_which_starts_often_prunes_too()
    {
        var time = new PacedTime { OverAtOnce = 1 };
        await using var stores = await Stores.OpenAsync(DataFolder.Open(_folder.Path), time);
        await EndedAsync(stores);
        var cleanup = stores.Of<Cleanup>();
        await cleanup.StartAsync(CancellationToken.None);
        await time.WaitingAsync(2);
        time.Waits.ShouldBe([TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)]);
        (await LeftAsync(stores)).ShouldBe(0);
        await cleanup.StopAsync(CancellationToken.None);
    }

    private static async Task EndedAsync(Stores stores) => await stores.Database.WriteAsync($"insert into used_assertion (id, expires_at) values ({Secret.NewBytes(32)}, {1L})");

    private static async Task<long> LeftAsync(Stores stores) =>
        (await stores.Database.ListAsync($"select count(*) from used_assertion", row => row.GetInt64(0), CancellationToken.None)).Single();

    /// <summary>A clock whose stopwatch moves when it is read. Waits are written down, and so many of them are over at once; the others never are.</summary>
    private sealed class PacedTime : TimeProvider
    {
        private readonly Channel<TimeSpan> _asked = Channel.CreateUnbounded<TimeSpan>();
        private long _ticks;

        public TimeSpan PassesPerRead { get; init; }

        public int OverAtOnce { get; init; }

        public List<TimeSpan> Waits { get; } = [];

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _ticks, PassesPerRead.Ticks);

        public async Task WaitingAsync(int times)
        {
            for (var i = 0; i < times; i++) await _asked.Reader.ReadAsync(TestContext.Current.CancellationToken);
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            lock (Waits) Waits.Add(dueTime);
            // A timer that was not made yet cannot fire.
            var isOver = Waits.Count <= OverAtOnce;
            _asked.Writer.TryWrite(dueTime);
            return System.CreateTimer(callback, state, isOver ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
