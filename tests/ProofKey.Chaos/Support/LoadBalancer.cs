using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Chaos.Support;

/// <summary>HAProxy in front of several servers: each request goes to the next of them that says it is ready.</summary>
internal sealed class LoadBalancer : IAsyncDisposable
{
    // Columns of its table of servers.
    private const int Sessions = 4;
    private const int Status = 17;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-chaos-");
    private readonly int _port = ServerProcess.FreePort();
    private Process? _process;

    public string Address => $"http://127.0.0.1:{_port}";

    private string SocketFile => Path.Combine(_folder.FullName, "admin");

    /// <summary>Starts it, and waits until it knows that all servers are ready.</summary>
    public async Task StartAsync(IReadOnlyList<ServerProcess> servers)
    {
        var file = Path.Combine(_folder.FullName, "haproxy.cfg");
        await File.WriteAllTextAsync(file, $"""
            global
                stats socket {SocketFile} mode 600 level admin
            defaults
                mode http
                timeout connect 2s
                timeout client 60s
                timeout server 60s
                timeout check 5s
                option forwardfor
                option http-server-close
                option redispatch 1
                retries 5
            frontend public
                bind 127.0.0.1:{_port}
                default_backend servers
            backend servers
                balance roundrobin
                option httpchk GET /readyz
                default-server check inter 500ms fall 3 rise 1
            {string.Join('\n', servers.Select((server, number) => $"    server s{number} {server.Address["http://".Length..]}"))}

            """);
        var program = new[] { "/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/opt/homebrew/bin/haproxy" }.FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("HAProxy is missing; install it with: apt-get install haproxy");
        _process = new Process { StartInfo = new(program, ["-f", file, "-db", "-q"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true } };
        Children.Start(_process);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        for (var number = 0; number < servers.Count; number++) await ReadyAsync(number);
    }

    /// <summary>Sends a server no more requests, and waits until it has answered those that it has.</summary>
    public async Task DrainAsync(int number)
    {
        await TellAsync($"set server servers/s{number} state drain");
        await UntilAsync(number, columns => columns[Sessions] == "0");
    }

    /// <summary>Sends a server requests again, and waits until it takes them.</summary>
    public async Task ReadyAsync(int number)
    {
        await TellAsync($"set server servers/s{number} state ready");
        await UntilAsync(number, columns => columns[Status] == "UP");
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await Children.EndAsync(_process, process => process.Kill());
        _folder.Delete(recursive: true);
    }

    private static Task WaitAsync() => Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);

    private async Task UntilAsync(int number, Func<string[], bool> isSo)
    {
        while (!(await TellAsync("show stat")).Split('\n').Any(line => line.StartsWith($"servers,s{number},", StringComparison.Ordinal) && isSo(line.Split(',')))) await WaitAsync();
    }

    private async Task<string> TellAsync(string command)
    {
        using var socket = await ConnectAsync();
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\n"));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    // It listens some time after it was started.
    private async Task<Socket> ConnectAsync()
    {
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketFile));
                return socket;
            }
            catch (SocketException) when (_process is { HasExited: false })
            {
                socket.Dispose();
                await WaitAsync();
            }
        }
    }
}
