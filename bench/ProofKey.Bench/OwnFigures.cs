namespace ProofKey.Bench;

/// <summary>What happens most, at our own program with its embedded database.</summary>
internal sealed class OwnFigures(string program, string folder, double scale)
{
    private readonly ProofKeyProgram _proofKey = new(program, "--data", folder);

    public async Task RunAsync()
    {
        var clientId = await _proofKey.PrepareAsync();
        await FirstAnswersAsync();
        using (var server = await _proofKey.ServeAsync(strictRotation: true))
        {
            var ends = await EndsAsync(server, clientId, strictRotation: true, people: 1);
            Run(server, ends, "warm-up: sign-in", 8, Scaled(6000), flow => flow.SignIn());
            Run(server, ends, "warm-up: refresh", 8, Scaled(6000), flow => flow.Refresh());
            Console.WriteLine();
            Console.WriteLine("| what | connections | operations | server CPU µs each | per second | bytes each |");
            Console.WriteLine("|---|---|---|---|---|---|");
            foreach (var connections in (int[])[1, 8, 64]) Run(server, ends, "sign-in", connections, Scaled(connections == 1 ? 5000 : 20000), flow => flow.SignIn(), report: true);
            foreach (var connections in (int[])[1, 8, 64]) Run(server, ends, "refresh, strict", connections, Scaled(connections == 1 ? 5000 : 20000), flow => flow.Refresh(), report: true);
        }
        using (var server = await _proofKey.ServeAsync(strictRotation: false))
        {
            var ends = await EndsAsync(server, clientId, strictRotation: false, people: 1);
            Run(server, ends, "warm-up", 8, Scaled(6000), flow => flow.Refresh());
            Run(server, ends, "refresh, tolerant", 8, Scaled(20000), flow => flow.Refresh(), report: true);
            ends = await EndsAsync(server, clientId, strictRotation: false, ProofKeyProgram.People.Count);
            Run(server, ends, "warm-up", 8, Scaled(6000), flow => flow.RefreshBound());
            foreach (var connections in (int[])[1, 8, 64]) Run(server, ends, "refresh, bound", connections, Scaled(connections == 1 ? 5000 : 20000), flow => flow.RefreshBound(), report: true);
        }
        using (var server = await _proofKey.ServeAsync(strictRotation: true))
        {
            Run(server, await EndsAsync(server, clientId, strictRotation: true, people: 1), "memory", 8, 10_000, flow => flow.SignIn());
            Console.WriteLine($"\nresident after 10,000 sign-ins: {server.Tree.ResidentMegabytes:F0} MB");
        }
    }

    /// <summary>The issuer, the client, and the browsers of so many people.</summary>
    public static async Task<FlowEnds> EndsAsync(ServerProcess server, string clientId, bool strictRotation, int people)
    {
        var issuer = await IssuerUnderLoad.DiscoverAsync(server.Issuer);
        var client = ProofKeyProgram.Client(clientId, strictRotation);
        var browsers = new List<SignedInBrowser>();
        foreach (var person in ProofKeyProgram.People.Take(people)) browsers.Add(await SignedInBrowser.SignInAsync(issuer, client, person, ProofKeyProgram.Password));
        return new(issuer, client, browsers);
    }

    private int Scaled(int count) => Math.Max(64, (int)(count * scale));

    private async Task FirstAnswersAsync()
    {
        var times = new List<double>();
        for (var i = 0; i < 10; i++)
        {
            using var server = await _proofKey.ServeAsync(strictRotation: false);
            times.Add(server.FirstAnswer.TotalMilliseconds);
        }
        times.Sort();
        Console.WriteLine($"first answer after the start of the process: median {times[5]:F0} ms, {times[0]:F0} to {times[^1]:F0} ms");
    }

    // The database's size is that of its file after what waits in the log has been moved there; the log itself does not grow for ever.
    private long DatabaseBytes() => new FileInfo(Path.Combine(folder, "proofkey.db")).Length;

    private void Run(ServerProcess server, FlowEnds ends, string what, int connections, int operations, Action<Flow> operation, bool report = false)
    {
        var flows = Enumerable.Range(0, connections).Select(ends.NewFlow).ToList();
        flows.ForEach(operation);
        var bytes = DatabaseBytes();
        var measured = Load.Run(flows, operations, operation, server.Tree);
        var grown = (DatabaseBytes() - bytes) / (double)measured.Operations;
        if (report) Console.WriteLine($"| {what} | {connections} | {measured.Operations} | {measured.ServerMicroseconds:F0} | {measured.PerSecond:F0} | {grown:F0} |");
        flows.ForEach(flow => flow.Dispose());
    }
}

/// <summary>Who takes part in a flow: an issuer, a client, and browsers in which people are signed in.</summary>
internal sealed record FlowEnds(IssuerUnderLoad Issuer, LoadClient Client, IReadOnlyList<SignedInBrowser> Browsers)
{
    public Flow NewFlow(int index) => new(Issuer, Client, Browsers[index % Browsers.Count]);
}
