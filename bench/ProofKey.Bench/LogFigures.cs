using System.Globalization;

namespace ProofKey.Bench;

/// <summary>
/// What PostgreSQL writes to its log for each operation, over so many operations that the images of whole pages after a checkpoint are spread as
/// they are in use, and with another grant for each refresh.
/// </summary>
internal static class LogFigures
{
    public static async Task RunAsync(Arguments arguments, string folder)
    {
        var connections = arguments.Number("connections", 8);
        var operations = arguments.Number("operations", 200_000);
        Console.WriteLine("| what | server | operations | grants | WAL bytes each | of it images of pages | rows each | bytes each | updates each | of them HOT | tables before | indexes before | tables after | indexes after |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var kind in ContestantKind.Choose(arguments["only"]).Where(kind => kind.OnPostgres))
        {
            using var contestant = await Contestant.StartAsync(kind, arguments["program"] ?? ProofKeyProgram.Built, folder, connections);
            contestant.Measure(Operation.SignIn, arguments.Number("warm-up", 6000));
            var grants = arguments.Number("grants", operations);
            await MeasureAsync(contestant, Operation.SignIn, grants, grants);
            await MeasureAsync(contestant, Operation.Refresh, operations, grants);
            contestant.ReturnOldTokens();
        }
    }

    private static async Task MeasureAsync(Contestant contestant, Operation operation, int operations, int grants)
    {
        var cluster = contestant.Cluster!;
        await Task.Delay(DatabaseWork.StatisticsDelay, TimeProvider.System);
        cluster.Checkpoint();
        var (start, before, sizeBefore) = (cluster.LogPosition(), cluster.Updates(), cluster.Megabytes());
        var figure = contestant.Measure(operation, operations, spread: true);
        var end = cluster.LogPosition();
        await Task.Delay(DatabaseWork.StatisticsDelay, TimeProvider.System);
        var (after, sizeAfter) = (cluster.Updates(), cluster.Megabytes());
        var (bytes, images) = cluster.LogBetween(start, end);
        var (updates, hot) = (after.All - before.All, after.Hot - before.Hot);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {Comparison.Name(operation)} | {contestant.Kind.Server} | {figure.Measured.Operations} | {grants} | {bytes / (double)figure.Measured.Operations:F0} | {images:P0} | {figure.Rows:F2} | {figure.Bytes:F0} | {updates / (double)figure.Measured.Operations:F2} | {(updates == 0 ? 1 : hot / (double)updates):P1} | {sizeBefore.Tables:F1} MB | {sizeBefore.Indexes:F1} MB | {sizeAfter.Tables:F1} MB | {sizeAfter.Indexes:F1} MB |"));
    }
}
