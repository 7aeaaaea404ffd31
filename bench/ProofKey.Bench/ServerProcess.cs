using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ProofKey.Bench;

/// <summary>A server in a process of its own, so that its processor time and memory are its own too.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, string issuer)
    {
        _process = process;
        Issuer = issuer;
        Tree = new ProcessTree(process.Id);
        Endings.Add(this);
    }

    public string Issuer { get; }

    public ProcessTree Tree { get; }

    /// <summary>From the start of the process to its first 200.</summary>
    public TimeSpan FirstAnswer { get; private set; }

    /// <summary>Starts a program, and waits until it answers as the issuer.</summary>
    public static async Task<ServerProcess> StartAsync(ProcessStartInfo command, string issuer)
    {
        command.RedirectStandardInput = command.RedirectStandardOutput = command.RedirectStandardError = true;
        var watch = Stopwatch.StartNew();
        var process = Process.Start(command)!;
        var server = new ServerProcess(process, issuer);
        var errors = new List<string?>();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (errors) errors.Add(line.Data);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var http = new HttpClient();
        while (true)
        {
            if (process.HasExited) throw new InvalidOperationException($"{command.FileName} ended with {process.ExitCode}: {string.Join('\n', errors)}");
            try
            {
                using var answer = await http.GetAsync(new Uri(issuer + "/.well-known/openid-configuration"));
                if (answer.StatusCode != HttpStatusCode.OK) continue;
                server.FirstAnswer = watch.Elapsed;
                return server;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
            }
        }
    }

    public void Dispose() => Endings.End(this, () =>
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    });

    public static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
