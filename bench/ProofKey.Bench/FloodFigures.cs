using System.Diagnostics;

namespace ProofKey.Bench;

/// <summary>How long a refresh takes while others guess passwords as fast as they can, beside how long it takes alone.</summary>
internal static class FloodFigures
{
    public static async Task RunAsync(string program, string folder)
    {
        var proofKey = new ProofKeyProgram(program, "--data", folder);
        var clientId = await proofKey.PrepareAsync();
        using var server = await proofKey.ServeAsync(strictRotation: true);
        var ends = await OwnFigures.EndsAsync(server, clientId, strictRotation: true, people: 1);
        Warm(ends);
        Console.WriteLine("| what | refreshes | p50 ms | p99 ms | guesses hashed a second | turned away a second |");
        Console.WriteLine("|---|---|---|---|---|---|");
        for (var round = 1; round <= 3; round++)
        {
            Report("refresh alone", Latencies(ends), default, TimeSpan.FromSeconds(1));
            using var flood = await SignInFlood.StartAsync(ends, networks: 48);
            var watch = Stopwatch.StartNew();
            Report("refresh under a flood of sign-ins", Latencies(ends), flood.Answers, watch.Elapsed);
        }
    }

    private static void Warm(FlowEnds ends)
    {
        var flows = Enumerable.Range(0, 8).Select(ends.NewFlow).ToList();
        Load.Run(flows, 6000, flow => flow.Refresh(), null);
        flows.ForEach(flow => flow.Dispose());
    }

    // Four connections that refresh a hundred times a second each: a server that has something to do and is not full.
    private static List<double> Latencies(FlowEnds ends)
    {
        var all = new List<double>();
        var threads = Enumerable.Range(0, 4).Select(index => new Thread(() =>
        {
            using var flow = ends.NewFlow(index);
            flow.Refresh();
            var own = new List<double>();
            using var pause = new SemaphoreSlim(0);
            for (var i = 0; i < 2000; i++)
            {
                pause.Wait(TimeSpan.FromMilliseconds(10));
                var start = Stopwatch.GetTimestamp();
                flow.Refresh();
                own.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            lock (all) all.AddRange(own);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        all.Sort();
        return all;
    }

    private static void Report(string what, List<double> sorted, (int Hashed, int TurnedAway) flood, TimeSpan elapsed) => Console.WriteLine(
        $"| {what} | {sorted.Count} | {sorted[sorted.Count / 2]:F2} | {sorted[sorted.Count * 99 / 100]:F2} | {flood.Hashed / elapsed.TotalSeconds:F0} | {flood.TurnedAway / elapsed.TotalSeconds:F0} |");
}
