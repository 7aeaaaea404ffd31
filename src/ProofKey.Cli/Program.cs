using System.CommandLine;
using System.Runtime.InteropServices;
using ProofKey.Cli;
using ProofKey.Cli.Commands;
using ProofKey.Cli.Output;

// "@file" and "-abc" have meanings of their own here (call -d @file).
var parsed = RootVerbs.Create().Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
var terminal = new Terminal();

// The first Ctrl-C lets the command clean up, the second ends the process as the system does.
using var cancellation = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (Help.IsAskedFor(parsed))
    {
        Help.Write(parsed, terminal);
        return ExitCodes.Done;
    }
    if (parsed.Errors.Count > 0)
    {
        terminal.Fail(UsageError.Of(parsed));
        return ExitCodes.WrongUsage;
    }
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellation.Token);
}
// The one place where exceptions end: nothing leaves this program as a stack trace.
catch (Exception exception)
{
    var failure = Failure.Of(exception);
    terminal.Fail(failure);
    return failure.ExitCode;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = !cancellation.IsCancellationRequested;
    cancellation.Cancel();
}
