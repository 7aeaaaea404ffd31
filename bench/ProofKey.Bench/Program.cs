using System.Diagnostics;
using System.Globalization;
using ProofKey.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var program = args.Length > 0 && args[0] != "flood" ? args[0] : Path.Combine(AppContext.BaseDirectory, "proofkey.dll");
var scale = args.Length > 1 && args[1] != "flood" ? double.Parse(args[1], CultureInfo.InvariantCulture) : 1;
var folder = Directory.CreateTempSubdirectory("proofkey-bench-").FullName;
try
{
    var clientId = await SignedInBrowser.PrepareAsync(program, folder);
    if (args.Contains("flood"))
    {
        await FloodAsync(clientId);
        return;
    }
    await FirstAnswersAsync();
    using (var server = await ServerProcess.StartAsync(program, folder, strictRotation: true))
    {
        var browser = await SignedInBrowser.SignInAsync(server, clientId);
        Run(server, browser, "warm-up: sign-in", 8, Scaled(6000), flow => flow.SignIn());
        Run(server, browser, "warm-up: refresh", 8, Scaled(6000), flow => flow.Refresh());
        Console.WriteLine();
        Console.WriteLine("| what | connections | operations | server CPU µs each | per second | bytes each |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var connections in (int[])[1, 8, 64]) Run(server, browser, "sign-in", connections, Scaled(connections == 1 ? 5000 : 20000), flow => flow.SignIn(), report: true);
        foreach (var connections in (int[])[1, 8, 64]) Run(server, browser, "refresh, strict", connections, Scaled(connections == 1 ? 5000 : 20000), flow => flow.Refresh(), report: true);
    }
    using (var server = await ServerProcess.StartAsync(program, folder, strictRotation: false))
    {
        var browser = await SignedInBrowser.SignInAsync(server, clientId);
        Run(server, browser, "warm-up", 8, Scaled(6000), flow => flow.Refresh());
        Run(server, browser, "refresh, tolerant", 8, Scaled(20000), flow => flow.Refresh(), report: true);
        var browsers = new List<SignedInBrowser>();
        foreach (var person in SignedInBrowser.People) browsers.Add(await SignedInBrowser.SignInAsync(server, clientId, person));
        RunAs(server, browsers, "warm-up", 8, Scaled(6000), flow => flow.RefreshBound());
        foreach (var connections in (int[])[1, 8, 64]) RunAs(server, browsers, "refresh, bound", connections, Scaled(connections == 1 ? 5000 : 20000), flow => flow.RefreshBound(), report: true);
    }
    using (var server = await ServerProcess.StartAsync(program, folder, strictRotation: true))
    {
        var browser = await SignedInBrowser.SignInAsync(server, clientId);
        Run(server, browser, "memory", 8, 10_000, flow => flow.SignIn());
        Console.WriteLine($"\nresident after 10,000 sign-ins: {server.ResidentMegabytes:F0} MB");
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}

// How long a refresh takes while others guess passwords as fast as they can, beside how long it takes alone.
async Task FloodAsync(string client)
{
    using var server = await ServerProcess.StartAsync(program, folder, strictRotation: true);
    var browser = await SignedInBrowser.SignInAsync(server, client);
    Run(server, browser, "warm-up", 8, Scaled(6000), flow => flow.Refresh());
    Console.WriteLine("| what | refreshes | p50 ms | p99 ms | guesses hashed a second | turned away a second |");
    Console.WriteLine("|---|---|---|---|---|---|");
    for (var round = 1; round <= 3; round++)
    {
        Report("refresh alone", Latencies(server, browser), default, TimeSpan.FromSeconds(1));
        using var flood = await SignInFlood.StartAsync(server, client, networks: 48);
        var watch = Stopwatch.StartNew();
        Report("refresh under a flood of sign-ins", Latencies(server, browser), flood.Answers, watch.Elapsed);
    }
}

// Four connections that refresh a hundred times a second each: a server that has something to do and is not full.
List<double> Latencies(ServerProcess server, SignedInBrowser browser)
{
    var all = new List<double>();
    var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
    {
        using var flow = new Flow(server, browser);
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

void Report(string what, List<double> sorted, (int Hashed, int TurnedAway) flood, TimeSpan elapsed) => Console.WriteLine(
    $"| {what} | {sorted.Count} | {sorted[sorted.Count / 2]:F2} | {sorted[sorted.Count * 99 / 100]:F2} | {flood.Hashed / elapsed.TotalSeconds:F0} | {flood.TurnedAway / elapsed.TotalSeconds:F0} |");

int Scaled(int count) => Math.Max(64, (int)(count * scale));

async Task FirstAnswersAsync()
{
    var times = new List<double>();
    for (var i = 0; i < 10; i++)
    {
        using var server = await ServerProcess.StartAsync(program, folder, strictRotation: false);
        times.Add(server.FirstAnswer.TotalMilliseconds);
    }
    times.Sort();
    Console.WriteLine($"first answer after the start of the process: median {times[5]:F0} ms, {times[0]:F0} to {times[^1]:F0} ms");
}

// The database's size is that of its file after what waits in the log has been moved there; the log itself does not grow for ever.
long DatabaseBytes() => new FileInfo(Path.Combine(folder, "proofkey.db")).Length;

void Run(ServerProcess server, SignedInBrowser browser, string what, int connections, int operations, Action<Flow> operation, bool report = false) =>
    RunAs(server, [browser], what, connections, operations, operation, report);

void RunAs(ServerProcess server, IReadOnlyList<SignedInBrowser> browsers, string what, int connections, int operations, Action<Flow> operation, bool report = false)
{
    var flows = Enumerable.Range(0, connections).Select(i => new Flow(server, browsers[i % browsers.Count])).ToList();
    foreach (var flow in flows) operation(flow);
    var bytes = DatabaseBytes();
    var processorTime = server.ProcessorTime;
    var watch = Stopwatch.StartNew();
    var failures = new List<Exception>();
    var threads = flows.Select(flow => new Thread(() =>
    {
        try
        {
            for (var i = 0; i < operations / connections; i++) operation(flow);
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
    var done = operations / connections * connections;
    var microseconds = (server.ProcessorTime - processorTime).TotalMicroseconds / done;
    var grown = (DatabaseBytes() - bytes) / (double)done;
    if (report) Console.WriteLine($"| {what} | {connections} | {done} | {microseconds:F0} | {done / watch.Elapsed.TotalSeconds:F0} | {grown:F0} |");
    flows.ForEach(flow => flow.Dispose());
}
