using System.Diagnostics;

namespace ProofKey.Bench;

/// <summary>What some operations took.</summary>
/// <param name="Operations">How many there were.</param>
/// <param name="Elapsed">How long all together took.</param>
/// <param name="Server">The processor time of the server's processes.</param>
/// <param name="Database">That of the database's, where it has processes of its own.</param>
internal sealed record Measured(int Operations, TimeSpan Elapsed, TimeSpan Server, TimeSpan Database)
{
    public double ServerMicroseconds => Server.TotalMicroseconds / Operations;

    public double DatabaseMicroseconds => Database.TotalMicroseconds / Operations;

    public double Microseconds => ServerMicroseconds + DatabaseMicroseconds;

    public double PerSecond => Operations / Elapsed.TotalSeconds;
}

/// <summary>Several connections that do the same at once.</summary>
internal static class Load
{
    /// <summary>Runs an operation so many times in all, split over the connections.</summary>
    public static Measured Run<T>(IReadOnlyList<T> flows, int operations, Action<T> operation, ProcessTree? server, ProcessTree? database = null)
    {
        var each = Math.Max(1, operations / flows.Count);
        var serverBefore = server?.ProcessorTime ?? default;
        var databaseBefore = database?.ProcessorTime ?? default;
        var watch = Stopwatch.StartNew();
        var failures = new List<Exception>();
        var threads = flows.Select(flow => new Thread(() =>
        {
            try
            {
                for (var i = 0; i < each; i++) operation(flow);
            }
            catch (Exception exception)
            {
                lock (failures) failures.Add(exception);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        watch.Stop();
        if (failures.Count > 0) throw new AggregateException(failures);
        return new(each * flows.Count, watch.Elapsed, (server?.ProcessorTime ?? default) - serverBefore, (database?.ProcessorTime ?? default) - databaseBefore);
    }
}
