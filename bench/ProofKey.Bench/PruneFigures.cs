using System.Globalization;

namespace ProofKey.Bench;

/// <summary>How long a refresh takes while the server deletes many grants that have ended, beside how long it takes before and after.</summary>
internal static class PruneFigures
{
    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(60);

    public static async Task RunAsync(Arguments arguments, string folder)
    {
        var (count, rounds) = (arguments.Number("grants", 1_000_000), arguments.Number("rounds", 3));
        var (connections, perSecond) = (arguments.Number("connections", 8), arguments.Number("rate", 400));
        var alone = TimeSpan.FromSeconds(arguments.Number("alone", 40));
        Console.WriteLine("| database | round | while | refreshes | p50 ms | p99 ms | p99.9 ms | most ms | p99, against without | pruning took | rows a second |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var kind in ContestantKind.Choose(arguments["only"] ?? "proofkey-sqlite,proofkey-postgres"))
        {
            using var place = await PrunedPlace.OpenAsync(kind, arguments["program"] ?? ProofKeyProgram.Built, folder);
            for (var round = 1; round <= rounds; round++)
            {
                place.Grants.Fill(count);
                await MeasureAsync(place, $"{kind.Database} | {round}", connections, perSecond, alone);
            }
        }
    }

    private static async Task MeasureAsync(PrunedPlace place, string title, int connections, int perSecond, TimeSpan alone)
    {
        using var server = await place.Program.ServeAsync(strictRotation: true);
        var ends = await OwnFigures.EndsAsync(server, place.ClientId, strictRotation: true, ProofKeyProgram.People.Count);
        var flows = Enumerable.Range(0, connections).Select(ends.NewFlow).ToList();
        Load.Run(flows, 4000, flow => flow.Refresh(), null);
        using var load = new SteadyLoad(flows, grants: 50, perSecond);
        var all = place.Grants.Left();
        // The server begins by itself, a minute after it has started.
        var begun = await WaitAsync(load, () => place.Grants.Left() < all);
        var done = await WaitAsync(load, () => place.Grants.Left() == 0);
        await Task.Delay(alone + TimeSpan.FromSeconds(2), TimeProvider.System);
        var samples = load.Stop();
        flows.ForEach(flow => flow.Dispose());

        var without = samples.Where(sample => (sample.Due > Warming && sample.Due < begun - TimeSpan.FromSeconds(1)) || sample.Due > done + TimeSpan.FromSeconds(2)).ToList();
        var with = samples.Where(sample => sample.Due >= begun && sample.Due <= done).ToList();
        var plain = Report(title, "nothing else", without, null, "");
        Report(title, "it prunes", with, plain, FormattableString.Invariant($"{(done - begun).TotalSeconds:F0} s | {all / (done - begun).TotalSeconds:F0}"));
    }

    private static async Task<TimeSpan> WaitAsync(SteadyLoad load, Func<bool> isSo)
    {
        var latest = load.Now + Patience;
        while (!isSo())
        {
            if (load.Now > latest) throw new TimeoutException("Nothing was pruned, or not all of it.");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
        return load.Now;
    }

    private static double Report(string title, string what, List<Sample> samples, double? without, string pruning)
    {
        var sorted = samples.Select(sample => sample.Took.TotalMilliseconds).Order().ToList();
        double At(double share) => sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
        var ratio = without is { } before ? (At(0.99) / before).ToString("F2", CultureInfo.InvariantCulture) : "";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {title} | {what} | {sorted.Count} | {At(0.5):F2} | {At(0.99):F2} | {At(0.999):F2} | {sorted[^1]:F1} | {ratio} | {(pruning.Length == 0 ? "|" : pruning)} |"));
        return At(0.99);
    }
}

/// <summary>A database of ours with somebody signed in, and what fills it with grants that have ended.</summary>
internal sealed class PrunedPlace : IDisposable
{
    private readonly PostgresCluster? _cluster;

    private PrunedPlace(ProofKeyProgram program, string clientId, ExpiredGrants grants, PostgresCluster? cluster) => (Program, ClientId, Grants, _cluster) = (program, clientId, grants, cluster);

    public ProofKeyProgram Program { get; }

    public string ClientId { get; }

    public ExpiredGrants Grants { get; }

    public static async Task<PrunedPlace> OpenAsync(ContestantKind kind, string program, string folder)
    {
        folder = Directory.CreateDirectory(Path.Combine(folder, kind.Name)).FullName;
        var cluster = kind.OnPostgres ? await PostgresCluster.StartAsync() : null;
        var proofKey = await Contestant.OursAsync(program, folder, cluster);
        var clientId = await proofKey.PrepareAsync();
        using (var server = await proofKey.ServeAsync(strictRotation: true))
        {
            // One real grant, of which the others are copies.
            var ends = await OwnFigures.EndsAsync(server, clientId, strictRotation: true, people: 1);
            using var flow = ends.NewFlow(0);
            flow.SignIn();
        }
        return new(proofKey, clientId, new ExpiredGrants(cluster is null ? Path.Combine(folder, "proofkey.db") : null, cluster?.ConnectionString), cluster);
    }

    public void Dispose()
    {
        Grants.Dispose();
        _cluster?.Dispose();
    }
}
