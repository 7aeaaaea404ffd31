using System.ComponentModel;
using System.Diagnostics;

namespace ProofKey.Client.Loopback;

/// <summary>
/// Opens an address in the person's browser. Only http and https addresses, parsed and written anew (<see cref="BrowserAddress"/>), as one argument of a program that is
/// started without a shell; what the program prints goes nowhere. A failure is an answer, not an exception.
/// </summary>
/// <param name="facts">What the machine has.</param>
/// <param name="patience">How long a launcher is watched for an early failure.</param>
internal sealed class BrowserLauncher(MachineFacts facts, TimeSpan patience)
{
    /// <summary>What no program that is started gets: it unlocks files of <c>proofkey</c>, which is a program with this library, and is none of a browser's business, nor of whatever it starts.</summary>
    public static readonly string[] OwnVariables = ["PROOFKEY_PASSPHRASE", "PROOFKEY_ROOT_KEY", "PROOFKEY_DATABASE"];

    public static BrowserLauncher OfThisSystem { get; } = new(MachineFacts.OfThisMachine, TimeSpan.FromSeconds(2));

    public async ValueTask<bool> OpenAsync(Uri address, CancellationToken cancel)
    {
        if (!BrowserAddress.TryMake(address, out var plain)) return false;
        foreach (var command in BrowserLadder.Commands(facts, plain.AbsoluteUri))
            if (await RunAsync(command, cancel)) return true;
        return false;
    }

    private async Task<bool> RunAsync(LaunchCommand command, CancellationToken cancel)
    {
        if (ProgramPath.Find(facts, command.Program) is not { } program) return false;
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in command.Arguments) start.ArgumentList.Add(argument);
        foreach (var variable in OwnVariables) start.Environment.Remove(variable);
        try
        {
            return Process.Start(start) is { } process && await IsRunningOrDoneAsync(process, cancel);
        }
        catch (Exception missing) when (missing is Win32Exception or InvalidOperationException or FileNotFoundException)
        {
            return false;
        }
    }

    private async Task<bool> IsRunningOrDoneAsync(Process process, CancellationToken cancel)
    {
        process.StandardInput.Close();
        // Read and forgotten: stdout of our program belongs to our program, and a full pipe would stop the browser.
        var silent = Task.WhenAll(DrainAsync(process.StandardOutput), DrainAsync(process.StandardError));
        using var limit = new CancellationTokenSource(patience, TimeProvider.System);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            await process.WaitForExitAsync(linked.Token);
            return process.ExitCode == 0;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return true;
        }
        finally
        {
            _ = DisposeAfterAsync(silent, process);
        }
    }

    // A closed pipe would kill a browser that runs in the foreground and prints a line later on.
    private static async Task DisposeAfterAsync(Task silent, Process process)
    {
        await silent;
        process.Dispose();
    }

    private static async Task DrainAsync(StreamReader output)
    {
        using var open = output;
        try
        {
            await output.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        }
        catch (IOException)
        {
            // It broke off, which ends it too.
        }
    }
}
