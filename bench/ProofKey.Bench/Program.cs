using System.Globalization;
using ProofKey.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var arguments = new Arguments(args);
var folder = Directory.CreateTempSubdirectory("proofkey-bench-").FullName;
Endings.OnSignal(folder);
try
{
    switch (arguments.Words)
    {
        case ["compare"]:
            await Comparison.RunAsync(arguments, folder);
            break;
        case ["log"]:
            await LogFigures.RunAsync(arguments, folder);
            break;
        case ["costs"]:
            await CostFigures.RunAsync(arguments, folder);
            break;
        case ["group"]:
            await GroupFigures.RunAsync(arguments, folder);
            break;
        case ["prune"]:
            await PruneFigures.RunAsync(arguments, folder);
            break;
        case ["drive"]:
            await AnyIssuer.RunAsync(arguments);
            break;
        case ["parts"]:
            ProfileParts.Report(Console.In, arguments.Number("microseconds", 100));
            break;
        case ["flood"]:
            await FloodFigures.RunAsync(arguments["program"] ?? ProofKeyProgram.Built, folder);
            break;
        case [] or [_] or [_, _]:
            var program = arguments.Words is [var path, ..] ? path : ProofKeyProgram.Built;
            var scale = arguments.Words is [_, var factor] ? double.Parse(factor, CultureInfo.InvariantCulture) : 1;
            await new OwnFigures(program, folder, scale).RunAsync();
            break;
        default:
            throw new ArgumentException("Say nothing, or compare, costs, log, group, prune, drive, parts or flood; bench/README.md has the options.");
    }
}
catch (Exception) when (Endings.HasBegun)
{
    // Its servers were taken from it; the one who took them ends the program.
    Thread.Sleep(Timeout.Infinite);
}
finally
{
    Directory.Delete(folder, recursive: true);
}
