using System.Globalization;
using ProofKey.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var arguments = new Arguments(args);
var folder = Directory.CreateTempSubdirectory("proofkey-bench-").FullName;
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
            throw new ArgumentException("Say nothing, or compare, log, drive, parts or flood; bench/README.md has the options.");
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}
