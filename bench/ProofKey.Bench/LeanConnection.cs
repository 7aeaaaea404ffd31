using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Bench;

/// <summary>One kept-alive HTTP/1.1 connection over a socket, as cheap as it can be, so that the load costs little beside the server.</summary>
internal sealed class LeanConnection : IDisposable
{
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <param name="server">Any address of the server.</param>
    /// <param name="from">The address to come from, if it matters.</param>
    public LeanConnection(Uri server, IPAddress? from = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (from is not null) socket.Bind(new IPEndPoint(from, 0));
        socket.Connect(server.DnsSafeHost, server.Port);
        _stream = new NetworkStream(socket, ownsSocket: true);
        if (server.Scheme != Uri.UriSchemeHttps) return;
        var secure = new SslStream(_stream);
        secure.AuthenticateAsClient(server.DnsSafeHost);
        _stream = secure;
    }

    public (int Status, string Head, string Body) Send(string request)
    {
        var length = Encoding.ASCII.GetBytes(request, _buffer);
        _stream.Write(_buffer.AsSpan(0, length));
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
            var end = bodyStart + int.Parse(contentLength, CultureInfo.InvariantCulture);
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

    public void Dispose() => _stream.Dispose();

    private int Receive(int offset)
    {
        var count = _stream.Read(_buffer.AsSpan(offset));
        return count > 0 ? count : throw new InvalidOperationException("The server closed the connection.");
    }

    private static int StatusOf(string head) => int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
}
