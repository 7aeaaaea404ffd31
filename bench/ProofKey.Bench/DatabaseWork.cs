namespace ProofKey.Bench;

/// <summary>What a database did meanwhile: what it wrote to its log, and how often it committed.</summary>
/// <param name="Bytes">What it wrote to its log; PostgreSQL alone says so.</param>
/// <param name="ImageShare">The part of it that is images of whole pages.</param>
/// <param name="Commits">Transactions that it committed, on PostgreSQL those that only read too.</param>
/// <param name="Syncs">How often it had the disk keep the log; on SQLite that is each commit.</param>
internal sealed record DatabaseWork(long Bytes, double ImageShare, long Commits, long Syncs)
{
    // Other backends tell the statistics what they did up to ten seconds after they went idle.
    public static readonly TimeSpan StatisticsDelay = TimeSpan.FromSeconds(12);

    /// <summary>Measures, from a checkpoint on, and says what the database did.</summary>
    public static async Task<(Figure Figure, DatabaseWork Work)> OfAsync(Contestant contestant, Func<Figure> measure)
    {
        if (contestant.Cluster is not { } cluster)
        {
            var committed = contestant.Commits();
            var found = measure();
            var each = contestant.Commits() - committed;
            return (found, new(0, 0, each, each));
        }
        await Task.Delay(StatisticsDelay, TimeProvider.System);
        cluster.Checkpoint();
        var (start, before, syncsBefore) = (cluster.LogPosition(), cluster.Commits(), cluster.Syncs());
        var figure = measure();
        var end = cluster.LogPosition();
        await Task.Delay(StatisticsDelay, TimeProvider.System);
        var (commits, syncs) = (cluster.Commits() - before, cluster.Syncs() - syncsBefore);
        var (bytes, images) = cluster.LogBetween(start, end);
        return (figure, new(bytes, images, commits, syncs));
    }
}
