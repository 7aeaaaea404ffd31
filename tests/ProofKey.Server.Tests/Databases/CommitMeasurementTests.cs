using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Databases;

/// <summary>How many commits there are, what the meter says of them, and that nobody waits for whoever listens to it.</summary>
public sealed class CommitMeasurementTests(SqliteWorld at) : IClassFixture<SqliteWorld>
{
    // The queue of a database runs in the context in which it was made: other tests measure on the same meter.
    private static readonly AsyncLocal<bool> IsOurs = new();

    [Fact]
    [Assertion("TK-21")]
    public async Task Writes_that_wait_together_share_a_commit()
    {
        var batches = new ConcurrentQueue<int>();
        using var listener = Listener(batches.Enqueue);
        var subject = Secret.NewText();
        var before = SqliteLog.CommitsIn(at.Place.Location);
        await using (var database = NewDatabase())
        {
            List<Task<int>> writes = [];
            // While it is under way, they gather behind it.
            await at.Other.Database.InTransactionAsync(
                async connection =>
                {
                    await connection.ExecuteAsync($"delete from consent where subject = {subject}", CancellationToken.None);
                    writes = [.. Enumerable.Range(0, 200).Select(number => Write(database, subject, number).AsTask())];
                }, CancellationToken.None);
            (await Task.WhenAll(writes)).ShouldAllBe(rows => rows == 1);
        }
        batches.Sum().ShouldBe(200);
        // Four would do; the first may have gone with those alone that were there when it began.
        batches.Count.ShouldBeLessThanOrEqualTo(5);
        (SqliteLog.CommitsIn(at.Place.Location) - before).ShouldBeInRange(4, 6, "as many as the meter says, and the one that they gathered behind");
    }

    [Fact]
    public async Task Nobody_whose_write_is_kept_waits_for_a_slow_listener()
    {
        using var isAnswered = new ManualResetEventSlim();
        using var listener = Listener(_ => isAnswered.Wait(TimeSpan.FromSeconds(20)));
        await using var database = NewDatabase();
        try
        {
            (await Write(database, Secret.NewText(), 0).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).ShouldBe(1);
        }
        finally
        {
            isAnswered.Set();
        }
    }

    private static ValueTask<int> Write(Database database, string subject, int number) =>
        database.WriteAsync($"insert into consent (subject, client_id, scope, given_at) values ({subject}, {$"c{number}"}, {"openid"}, 0)");

    private static MeterListener Listener(Action<int> hears)
    {
        IsOurs.Value = true;
        var listener = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument.Name.StartsWith("proofkey.database.", StringComparison.Ordinal)) listener.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<int>((_, writes, _, _) => { if (IsOurs.Value) hears(writes); });
        listener.Start();
        return listener;
    }

    private Database NewDatabase() => new(at.Place.CreateDataSource(), at.Place.Dialect);
}
