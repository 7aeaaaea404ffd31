using System.Globalization;

namespace ProofKey.Bench;

/// <summary>Servers and databases side by side in one run: all are started, and each round measures one after the other.</summary>
internal static class Comparison
{
    public static async Task RunAsync(Arguments arguments, string folder)
    {
        var rounds = arguments.Number("rounds", 3);
        var connections = arguments.Number("connections", 8);
        var operations = arguments.Number("operations", 20_000);
        var spread = arguments["spread"] == "yes";
        var contestants = new List<Contestant>();
        try
        {
            foreach (var (kind, program) in Builds(arguments)) contestants.Add(await Contestant.StartAsync(kind, program, folder, connections));
            var figures = contestants.SelectMany(_ => Enum.GetValues<Operation>(), (contestant, operation) => (contestant.Kind, Operation: operation)).ToDictionary(each => each, _ => new List<Figure>());
            foreach (var contestant in contestants) Warm(contestant, arguments.Number("warm-up", 6000));
            Console.WriteLine(Conditions(contestants, rounds, connections, operations));
            for (var round = 1; round <= rounds; round++)
                foreach (var operation in Enum.GetValues<Operation>())
                    foreach (var contestant in contestants)
                    {
                        var figure = contestant.Measure(operation, operations, spread);
                        figures[(contestant.Kind, operation)].Add(figure);
                        Console.Error.WriteLine(FormattableString.Invariant($"round {round}: {contestant.Kind.Name}, {Name(operation)}: {figure.Measured.Microseconds:F0} µs, {figure.Measured.PerSecond:F0} per second"));
                    }
            contestants.ForEach(contestant => contestant.ReturnOldTokens());
            var rows = figures.Select(each => new ComparisonRow(each.Key.Kind, each.Key.Operation, each.Value)).ToList();
            Console.WriteLine();
            Console.WriteLine(Table(rows));
            foreach (var line in Ratios(rows)) Console.WriteLine(line);
            Console.WriteLine($"resident at the end: {string.Join(", ", contestants.Select(contestant => $"{contestant.Kind.Name} {contestant.ResidentMegabytes:F0} MB"))}");
            if (arguments["svg"] is { } chart) await File.WriteAllTextAsync(chart, Chart.Draw(rows, $"CPU per operation, {connections} connections, median of {rounds} rounds"));
        }
        finally
        {
            contestants.ForEach(contestant => contestant.Dispose());
        }
    }

    public static string Name(Operation operation) => operation == Operation.SignIn ? "sign-in" : "refresh";

    // Other builds of ours take part under a label each, to see what a change is worth.
    private static IEnumerable<(ContestantKind Kind, string Program)> Builds(Arguments arguments)
    {
        var also = (arguments["also"]?.Split(',') ?? []).Select(pair => pair.Split('=', 2)).ToList();
        foreach (var kind in ContestantKind.Choose(arguments["only"]))
        {
            yield return (kind, arguments["program"] ?? ProofKeyProgram.Built);
            if (!kind.IsOurs) continue;
            foreach (var build in also) yield return (kind with { Name = $"{kind.Name}-{build[0]}", Label = build[0] }, build[1]);
        }
    }

    // Round by round, since what else the machine does changes from one to the next.
    private static IEnumerable<string> Ratios(List<ComparisonRow> rows) =>
        from other in rows
        where other.Kind.Label is not null
        let ours = rows.Find(row => row.Operation == other.Operation && row.Kind == other.Kind with { Name = row.Kind.Name, Label = null })
        let ratios = ours.Rounds.Zip(other.Rounds, (own, others) => own.Measured.Microseconds / others.Measured.Microseconds).Order().ToList()
        select string.Create(CultureInfo.InvariantCulture, $"{Name(other.Operation)}, {other.Kind.Database}: {ratios[ratios.Count / 2]:F3} of {other.Kind.Label} ({ratios[0]:F3}–{ratios[^1]:F3})");

    private static void Warm(Contestant contestant, int operations)
    {
        foreach (var operation in Enum.GetValues<Operation>()) contestant.Measure(operation, operations);
    }

    private static string Conditions(List<Contestant> contestants, int rounds, int connections, int operations)
    {
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        var postgres = contestants.Select(contestant => contestant.Cluster?.Version()).FirstOrDefault(version => version is not null);
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        return FormattableString.Invariant($"{today:yyyy-MM-dd}; {Environment.ProcessorCount} cores, .NET {Environment.Version}{(postgres is null ? "" : $", PostgreSQL {postgres}")}; {connections} connections, {rounds} rounds of {operations} operations; load average at the start of the first round {load}.");
    }

    private static string Table(List<ComparisonRow> rows)
    {
        var lines = new List<string>
        {
            "| what | database | server | CPU µs each | of it server | of it database | per second | rows each | bytes each |",
            "|---|---|---|---|---|---|---|---|---|",
        };
        foreach (var row in rows.OrderBy(row => row.Operation).ThenBy(row => row.Kind.OnPostgres))
            lines.Add(string.Create(CultureInfo.InvariantCulture,
                $"| {Name(row.Operation)} | {row.Kind.Database} | {row.Kind.Title} | {row.Microseconds:F0} ({row.Least:F0}–{row.Most:F0}) | {row.Server:F0} | {row.DatabaseTime:F0} | {row.PerSecond:F0} | {row.Rows:F2} | {row.Bytes:F0} |"));
        return string.Join('\n', lines);
    }
}

/// <summary>What the rounds of one contestant came to: medians, and the least and the most of what matters.</summary>
internal sealed record ComparisonRow(ContestantKind Kind, Operation Operation, IReadOnlyList<Figure> Rounds)
{
    public double Microseconds => Median(figure => figure.Measured.Microseconds);

    public double Least => Rounds.Min(figure => figure.Measured.Microseconds);

    public double Most => Rounds.Max(figure => figure.Measured.Microseconds);

    public double Server => Median(figure => figure.Measured.ServerMicroseconds);

    public double DatabaseTime => Median(figure => figure.Measured.DatabaseMicroseconds);

    public double PerSecond => Median(figure => figure.Measured.PerSecond);

    public double Rows => Median(figure => figure.Rows);

    public double Bytes => Median(figure => figure.Bytes);

    private double Median(Func<Figure, double> value) => Rounds.Select(value).Order().ElementAt(Rounds.Count / 2);
}
