using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ProofKey.Chaos.Support;

/// <summary>The real program in a process of its own, to be killed without warning and started again on the same data and port.</summary>
/// <param name="place">The options that say where its data is.</param>
/// <param name="issuer">The issuer, where it is not the server's own address.</param>
internal sealed class ServerProcess(IReadOnlyList<string> place, string? issuer = null) : IAsyncDisposable
{
    public static readonly string Program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "proofkey.exe" : "proofkey");

    private static readonly ConcurrentQueue<string> Said = new();

    private Process? _process;

    public string Address { get; } = $"http://127.0.0.1:{FreePort()}";

    public string Issuer => issuer ?? Address;

    /// <summary>What else it is started with.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Hears every line that it says.</summary>
    public Action<string>? Hears { get; set; }

    /// <summary>What servers said last, for a test that fails.</summary>
    public static string Log => string.Join('\n', Said);

    /// <summary>A port that nothing uses, and that the system gives to nobody who asks for any: a server that is down finds it free again.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = 20_000 + (BitConverter.ToUInt16(Secret.NewBytes(2)) % 12_000);
            try
            {
                using var socket = new TcpListener(IPAddress.Loopback, port);
                socket.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }

    /// <summary>Starts the program, and waits until it listens.</summary>
    /// <param name="fileBlocks">How long, in blocks of 512 bytes or a shell's 1024, any file of the process may become; <see langword="null"/> for no limit.</param>
    public async Task StartAsync(int? fileBlocks = null)
    {
        string[] command = [Program, "serve", .. place, "--urls", Address, "--issuer", Issuer, .. Options];
        // The signal that would end the process is ignored, so that a write beyond the limit fails as on a full disk.
        if (fileBlocks is not null) command = ["/bin/sh", "-c", $"trap '' XFSZ; ulimit -f {fileBlocks}; exec \"$0\" \"$@\"", .. command];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        // The runtime would map its code through a file of two gigabytes.
        if (fileBlocks is not null) start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        var listens = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.Exited += (_, _) => listens.TrySetException(new InvalidOperationException($"The program ended before it listened: {Log}"));
        _process.ErrorDataReceived += (_, said) =>
        {
            if (said.Data is null) return;
            SuiteWitness.OfThisSuite.Said("stderr of serve", said.Data);
            Hears?.Invoke(said.Data);
            // What clients provoke on purpose would push out the rest.
            if (!said.Data.Contains(" info: ", StringComparison.Ordinal) && !said.Data.Contains("TokenEndpoint", StringComparison.Ordinal)) Said.Enqueue(said.Data);
            if (Said.Count > 50) Said.TryDequeue(out var _);
            if (said.Data.Contains("listens on", StringComparison.Ordinal)) listens.TrySetResult();
        };
        _process.OutputDataReceived += (_, said) => SuiteWitness.OfThisSuite.Said("stdout of serve", said.Data ?? "");
        Children.Start(_process);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await listens.Task;
    }

    /// <summary>Runs another command of the program to its end.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true })!;
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        SuiteWitness.OfThisSuite.Said($"stdout of {arguments[0]}", await output);
        SuiteWitness.OfThisSuite.Said($"stderr of {arguments[0]}", await errors);
        process.ExitCode.ShouldBe(0, await errors);
        return await output;
    }

    /// <summary>Kills the program as a power cut would: no handler of its own runs.</summary>
    public Task KillAsync() => EndAsync(process => process.Kill());

    /// <summary>Asks the program to end, as a service manager does.</summary>
    public Task StopAsync() => EndAsync(process => Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit());

    public async ValueTask DisposeAsync() => await KillAsync();

    private async Task EndAsync(Action<Process> end)
    {
        if (_process is null) return;
        await Children.EndAsync(_process, end);
        _process = null;
    }
}
