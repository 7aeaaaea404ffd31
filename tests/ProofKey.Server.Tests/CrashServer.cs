using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The real program in a process of its own, to be killed without warning and started again on the same folder and port.</summary>
internal sealed class CrashServer : IAsyncDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "proofkey.exe" : "proofkey");

    private readonly StorageFolder _folder = new();
    private Process? _process;

    public CrashServer()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        Issuer = $"http://127.0.0.1:{((IPEndPoint)socket.LocalEndpoint).Port}";
    }

    public string Issuer { get; }

    public string Folder => _folder.Path;

    /// <summary>Registers what the test needs, before the first start.</summary>
    public async Task<(RegisteredClient Client, RegisteredClient Other)> PrepareAsync()
    {
        await using var administration = await Administration.OpenAsync(DataFolder.Open(Folder), CancellationToken.None);
        await administration.Registry.AddAccountAsync(RunningServer.UserName, RunningServer.Password, null, isAdmin: false);
        async Task<RegisteredClient> AddAsync() => (await administration.Registry.AddClientAsync(
            new ClientRegistration { Name = "Crash", IsPublic = true, RedirectUris = ["https://app.example/callback"], IsFirstParty = true })).Client;
        return (await AddAsync(), await AddAsync());
    }

    /// <summary>Starts the program, and waits until it listens.</summary>
    /// <param name="fileBlocks">How long, in blocks of 512 bytes or a shell's 1024, any file of the process may become; <see langword="null"/> for no limit.</param>
    public async Task StartAsync(int? fileBlocks = null)
    {
        string[] command = [Program, "serve", "--data", Folder, "--urls", Issuer, "--rotation", "strict"];
        // The signal that would end the process is ignored, so that a write beyond the limit fails as on a full disk.
        if (fileBlocks is not null) command = ["/bin/sh", "-c", $"trap '' XFSZ; ulimit -f {fileBlocks}; exec \"$0\" \"$@\"", .. command];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        // The runtime would map its code through a file of two gigabytes.
        if (fileBlocks is not null) start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        _process = Process.Start(start)!;
        var said = new System.Text.StringBuilder();
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.Contains("listens on", StringComparison.Ordinal))
            {
                // From here on nobody reads line by line; a full pipe must not stop the server.
                _ = _process.StandardError.ReadToEndAsync();
                _ = _process.StandardOutput.ReadToEndAsync();
                return;
            }
            said.AppendLine(line);
        }
        throw new InvalidOperationException($"The program ended before it listened: {said}");
    }

    /// <summary>Kills the program as a power cut would: no handler of its own runs.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder.Dispose();
    }
}
