using System.Globalization;

namespace ProofKey.Bench;

/// <summary>What a sign-in, a refresh and an introspection cost at our own program: rows, bytes, log, processor time, commits and round trips, on both databases.</summary>
internal static class CostFigures
{
    public static async Task RunAsync(Arguments arguments, string folder)
    {
        var operations = arguments.Number("operations", 20_000);
        Console.WriteLine("| what | database | operations | server CPU µs each | database CPU µs each | per second | rows each | bytes each | WAL bytes each | of it images of pages | commits each | round trips each |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var kind in ContestantKind.Choose(arguments["only"] ?? "proofkey-sqlite,proofkey-postgres"))
        {
            using var contestant = await Contestant.StartAsync(kind, arguments["program"] ?? ProofKeyProgram.Built, folder, arguments.Number("connections", 8));
            var warmUp = arguments.Number("warm-up", 6000);
            contestant.Measure(Operation.SignIn, warmUp);
            contestant.Measure(Operation.Refresh, warmUp);
            await contestant.PrepareIntrospectionAsync();
            contestant.MeasureIntrospection(warmUp);
            contestant.EndIntrospection();
            var trips = kind.OnPostgres ? await contestant.CountRoundTripsAsync(operations: 200) : default;
            await ReportAsync(contestant, "sign-in", trips.SignIn, () => contestant.Measure(Operation.SignIn, operations, spread: true));
            await ReportAsync(contestant, "refresh", trips.Refresh, () => contestant.Measure(Operation.Refresh, operations, spread: true));
            await contestant.PrepareIntrospectionAsync();
            await ReportAsync(contestant, "introspection", trips.Introspection, () => contestant.MeasureIntrospection(operations));
            contestant.EndIntrospection();
            contestant.ReturnOldTokens();
        }
    }

    private static async Task ReportAsync(Contestant contestant, string what, double trips, Func<Figure> measure)
    {
        var (figure, log) = await DatabaseWork.OfAsync(contestant, measure);
        var (measured, kind) = (figure.Measured, contestant.Kind);
        var onlyOnPostgres = kind.OnPostgres
            ? string.Create(CultureInfo.InvariantCulture, $"{log.Bytes / (double)measured.Operations:F0} | {log.ImageShare:P0} | {log.Commits / (double)measured.Operations:F3} | {trips:F2}")
            : string.Create(CultureInfo.InvariantCulture, $" | | {log.Commits / (double)measured.Operations:F3} | ");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {what} | {kind.Database} | {measured.Operations} | {measured.ServerMicroseconds:F0} | {measured.DatabaseMicroseconds:F0} | {measured.PerSecond:F0} | {figure.Rows:F2} | {figure.Bytes:F0} | {onlyOnPostgres} |"));
    }
}
