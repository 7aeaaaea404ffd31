using System.Threading.Channels;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Databases;

/// <summary>How many batches are under way at a time, and how much is in one.</summary>
public sealed class BatchQueueTests
{
    [Fact]
    public async Task However_many_are_usual_there_is_a_bound_when_none_comes_to_an_end()
    {
        var (begun, stuck) = (Channel.CreateUnbounded<int>(), new TaskCompletionSource());
        await using var queue = new BatchQueue<int>(usual: 3, most: 2, givesWay: false, batch =>
        {
            begun.Writer.TryWrite(batch.Count).ShouldBeTrue();
            return stuck.Task;
        });
        for (var i = 0; i < 3; i++)
        {
            queue.TryAdd(i).ShouldBeTrue();
            (await begun.Reader.ReadAsync(TestContext.Current.CancellationToken)).ShouldBe(1);
        }
        for (var i = 0; i < 20; i++) queue.TryAdd(i).ShouldBeTrue();
        // Four times the patience, after which one more would go beside those that are under way.
        await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        var isBounded = !begun.Reader.TryRead(out _);
        stuck.SetResult();
        isBounded.ShouldBeTrue();
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task A_batch_never_waits_to_fill_and_what_gathers_behind_one_that_is_stuck_goes_by_64()
    {
        var (begun, stuck) = (Channel.CreateUnbounded<int>(), new TaskCompletionSource());
        await using var queue = new BatchQueue<int>(usual: 1, most: 1, givesWay: false, batch =>
        {
            begun.Writer.TryWrite(batch.Count).ShouldBeTrue();
            return stuck.Task;
        });
        queue.TryAdd(0).ShouldBeTrue();
        (await NextAsync(begun)).ShouldBe(1);
        for (var i = 0; i < 200; i++) queue.TryAdd(i).ShouldBeTrue();
        stuck.SetResult();
        foreach (var count in (int[])[64, 64, 64, 8]) (await NextAsync(begun)).ShouldBe(count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_batch_that_throws_in_spite_of_its_promise_holds_up_nobody_behind_it(bool atOnce)
    {
        var (begun, fault) = (Channel.CreateUnbounded<int>(), new InvalidOperationException("A promise that was not kept."));
        await using var queue = new BatchQueue<int>(usual: 1, most: 1, givesWay: false, batch =>
        {
            begun.Writer.TryWrite(batch.Count).ShouldBeTrue();
            return atOnce ? throw fault : Task.FromException(fault);
        });
        for (var i = 0; i < 3; i++)
        {
            queue.TryAdd(i).ShouldBeTrue();
            (await NextAsync(begun)).ShouldBe(1);
        }
    }

    // One that never comes fails the test, and does not hold it up.
    private static Task<int> NextAsync(Channel<int> begun) => begun.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
}
