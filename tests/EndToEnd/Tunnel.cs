using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EndToEnd;

/// <summary>Leads a program to one port of this machine, whatever host it asks for: what HTTPS_PROXY names (RFC 9110 section 9.3.6).</summary>
public sealed class Tunnel : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly int _port;

    public Tunnel(int port)
    {
        _port = port;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address => $"http://{_listener.LocalEndpoint}";

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var end = _end.Token;
        while (!end.IsCancellationRequested)
        {
            var asking = await _listener.AcceptTcpClientAsync(end);
            _ = PassAsync(asking, end);
        }
    }

    private async Task PassAsync(TcpClient asking, CancellationToken end)
    {
        using (asking)
        using (var there = new TcpClient())
        {
            var (stream, request) = (asking.GetStream(), "");
            var letter = new byte[1];
            while (!request.EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(letter, end) == 1) request += (char)letter[0];
            await there.ConnectAsync(IPAddress.Loopback, _port, end);
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n\r\n"), end);
            await Task.WhenAny(stream.CopyToAsync(there.GetStream(), end), there.GetStream().CopyToAsync(stream, end));
        }
    }
}
