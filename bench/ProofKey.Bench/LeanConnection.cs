using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Bench;

/// <summary>One kept-alive HTTP/1.1 connection over a socket, as cheap as it can be, so that the load costs little beside the server.</summary>
internal sealed class LeanConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[32 * 1024];

    /// <param name="port">The server's port.</param>
    /// <param name="from">The loopback address to come from.</param>
    public LeanConnection(int port, IPAddress? from = null)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (from is not null) _socket.Bind(new IPEndPoint(from, 0));
        _socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
    }

    public (int Status, string Head, string Body) Send(string request)
    {
        var length = Encoding.ASCII.GetBytes(request, _buffer);
        _socket.Send(_buffer.AsSpan(0, length));
        var received = 0;
        var headEnd = -1;
        while (headEnd < 0)
        {
            received += Receive(received);
            headEnd = _buffer.AsSpan(0, received).IndexOf("\r\n\r\n"u8);
        }
        var head = Encoding.ASCII.GetString(_buffer, 0, headEnd);
        var bodyStart = headEnd + 4;
        if (Header(head, "Content-Length") is { } contentLength)
        {
            var end = bodyStart + int.Parse(contentLength, System.Globalization.CultureInfo.InvariantCulture);
            while (received < end) received += Receive(received);
            return (StatusOf(head), head, Encoding.ASCII.GetString(_buffer, bodyStart, end - bodyStart));
        }
        while (!_buffer.AsSpan(bodyStart, received - bodyStart).EndsWith("0\r\n\r\n"u8)) received += Receive(received);
        return (StatusOf(head), head, Encoding.ASCII.GetString(_buffer, bodyStart, received - bodyStart));
    }

    public static string? Header(string head, string name)
    {
        var start = head.IndexOf($"\r\n{name}: ", StringComparison.OrdinalIgnoreCase);
        if (start < 0) return null;
        start += name.Length + 4;
        var end = head.IndexOf("\r\n", start, StringComparison.Ordinal);
        return end < 0 ? head[start..] : head[start..end];
    }

    public void Dispose() => _socket.Dispose();

    private int Receive(int offset)
    {
        var count = _socket.Receive(_buffer.AsSpan(offset));
        return count > 0 ? count : throw new InvalidOperationException("The server closed the connection.");
    }

    private static int StatusOf(string head) => int.Parse(head.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
}
