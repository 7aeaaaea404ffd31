using System.Globalization;

namespace ProofKey.Bench;

/// <summary>
/// What PostgreSQL writes to its log for each operation, over so many operations that the images of whole pages after a checkpoint are spread as
/// they are in use, and with another grant for each refresh.
/// </summary>
internal static class LogFigures
{
    // Other backends tell the statistics what they did up to ten seconds after they went idle.
    private static readonly TimeSpan StatisticsDelay = TimeSpan.FromSeconds(12);

    public static async Task RunAsync(Arguments arguments, string folder)
    {
        var connections = arguments.Number("connections", 8);
        var operations = arguments.Number("operations", 200_000);
        Console.WriteLine("| what | server | operations | WAL bytes each | of it images of pages | rows each | bytes each | updates each | of them HOT |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var kind in ContestantKind.Choose(arguments["only"]).Where(kind => kind.OnPostgres))
        {
            using var contestant = await Contestant.StartAsync(kind, arguments["program"] ?? ProofKeyProgram.Built, folder, connections);
            contestant.Measure(Operation.SignIn, arguments.Number("warm-up", 6000));
            foreach (var operation in Enum.GetValues<Operation>()) await MeasureAsync(contestant, operation, operations);
            contestant.ReturnOldTokens();
        }
    }

    private static async Task MeasureAsync(Contestant contestant, Operation operation, int operations)
    {
        var cluster = contestant.Cluster!;
        await Task.Delay(StatisticsDelay, TimeProvider.System);
        cluster.Checkpoint();
        var (start, before) = (cluster.LogPosition(), cluster.Updates());
        var figure = contestant.Measure(operation, operations, spread: true);
        var end = cluster.LogPosition();
        await Task.Delay(StatisticsDelay, TimeProvider.System);
        var after = cluster.Updates();
        var (bytes, images) = cluster.LogBetween(start, end);
        var (updates, hot) = (after.All - before.All, after.Hot - before.Hot);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {Comparison.Name(operation)} | {contestant.Kind.Server} | {figure.Measured.Operations} | {bytes / (double)figure.Measured.Operations:F0} | {images:P0} | {figure.Rows:F2} | {figure.Bytes:F0} | {updates / (double)figure.Measured.Operations:F2} | {(updates == 0 ? 1 : hot / (double)updates):P1} |"));
    }
}
