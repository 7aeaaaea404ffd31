using System.Diagnostics;
using System.Globalization;

namespace ProofKey.Bench;

/// <summary>What it is worth that writes which wait at the same time share a commit: our program, beside the same program built with groups of one.</summary>
internal static class GroupFigures
{
    private const string Shared = "private const int MaxBatch = 64;";
    private const string Alone = "private const int MaxBatch = 1;";

    private static readonly string Queue = Path.Combine("src", "ProofKey.Server", "Storage", "BatchQueue.cs");

    public static async Task RunAsync(Arguments arguments, string folder)
    {
        var (rounds, operations) = (arguments.Number("rounds", 3), arguments.Number("operations", 20_000));
        int[] connections = [1, 8, 64];
        var (together, alone) = (await BuildAsync(folder, "together", Shared), await BuildAsync(folder, "alone", Alone));
        Console.WriteLine("| database | a commit is for | connections | CPU µs each | of it server | of it database | per second | commits each | log syncs each |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var kind in ContestantKind.Choose(arguments["only"] ?? "proofkey-sqlite,proofkey-postgres"))
        {
            using var shared = await Contestant.StartAsync(kind with { Name = kind.Name + "-together", Label = "all who wait" }, together, folder, connections[^1]);
            using var single = await Contestant.StartAsync(kind with { Name = kind.Name + "-alone", Label = "one" }, alone, folder, connections[^1]);
            Contestant[] both = [shared, single];
            foreach (var contestant in both) contestant.Measure(Operation.Refresh, arguments.Number("warm-up", 6000));
            foreach (var count in connections)
            {
                var all = both.ToDictionary(contestant => contestant, _ => new List<(Measured Measured, DatabaseWork Work)>());
                for (var round = 1; round <= rounds; round++)
                    foreach (var contestant in both)
                    {
                        var (figure, work) = await DatabaseWork.OfAsync(contestant, () => contestant.Measure(Operation.Refresh, count == 1 ? operations / 4 : operations, connections: count));
                        all[contestant].Add((figure.Measured, work));
                    }
                foreach (var contestant in both) Report(contestant.Kind, count, all[contestant]);
            }
        }
    }

    private static void Report(ContestantKind kind, int connections, List<(Measured Measured, DatabaseWork Work)> rounds)
    {
        double Median(Func<Measured, DatabaseWork, double> value) => rounds.Select(round => value(round.Measured, round.Work)).Order().ElementAt(rounds.Count / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {kind.Database} | {kind.Label} | {connections} | {Median((measured, _) => measured.Microseconds):F0} ({rounds.Min(round => round.Measured.Microseconds):F0}–{rounds.Max(round => round.Measured.Microseconds):F0}) | {Median((measured, _) => measured.ServerMicroseconds):F0} | {Median((measured, _) => measured.DatabaseMicroseconds):F0} | {Median((measured, _) => measured.PerSecond):F0} | {Median((measured, work) => work.Commits / (double)measured.Operations):F3} | {Median((measured, work) => work.Syncs / (double)measured.Operations):F3} |"));
    }

    // There is no switch for it, so the source is changed in a copy, in the one place that says how many.
    private static async Task<string> BuildAsync(string folder, string name, string line)
    {
        var root = SourceTree.Root();
        var copy = Directory.CreateDirectory(Path.Combine(folder, $"source-{name}")).FullName;
        foreach (var file in (string[])["Directory.Build.props", "Directory.Packages.props", "BannedSymbols.txt", "global.json", ".editorconfig"]) File.Copy(Path.Combine(root, file), Path.Combine(copy, file));
        SourceTree.Copy(Path.Combine(root, "src"), Path.Combine(copy, "src"));
        var queue = Path.Combine(copy, Queue);
        var source = await File.ReadAllTextAsync(queue);
        if (!source.Contains(Shared, StringComparison.Ordinal)) throw new InvalidOperationException($"{Queue} no longer says \"{Shared}\": mend GroupFigures.cs.");
        await File.WriteAllTextAsync(queue, source.Replace(Shared, line, StringComparison.Ordinal));
        var output = Path.Combine(folder, $"program-{name}");
        var command = new ProcessStartInfo("dotnet", ["publish", "src/ProofKey.Cli", "-c", "Release", "-r", "linux-x64", "--no-self-contained", "-p:PublishReadyToRun=true", "-o", output, "--tl:off", "-nodeReuse:false", "-v", "quiet"])
        {
            WorkingDirectory = copy,
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(command)!;
        var said = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        return build.ExitCode == 0 ? Path.Combine(output, "proofkey") : throw new InvalidOperationException($"The program with \"{line}\" was not built: {said}");
    }
}
