using System.Threading.Channels;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Databases;

/// <summary>How many batches are under way at a time.</summary>
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
}
