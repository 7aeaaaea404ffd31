using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Chaos.Support;

/// <summary>
/// A wire between clients and a server that is cut where it hurts most: the server has done what it was asked, and its answer is lost. It
/// knows that by the first bytes of the answer, since no answer leaves before what it says is kept.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, ServerProcess.FreePort());
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<string, string, bool> _loses;
    private readonly Task _accepting;
    private int _lost;

    /// <summary>Starts it.</summary>
    /// <param name="port">The server's port.</param>
    /// <param name="loses">Whether an answer is lost, told by the request and the beginning of the answer.</param>
    public CuttingProxy(int port, Func<string, string, bool> loses)
    {
        _loses = loses;
        _listener.Start();
        Address = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _accepting = AcceptAsync(port);
    }

    public string Address { get; }

    /// <summary>How many answers were lost.</summary>
    public int Lost => _lost;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync(int port)
    {
        try
        {
            while (true) _ = CarryAsync(await _listener.AcceptSocketAsync(_stop.Token), port);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task CarryAsync(Socket client, int port)
    {
        using var near = client;
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // The server sees the client's own address.
            far.Bind(new IPEndPoint(((IPEndPoint)near.RemoteEndPoint!).Address, 0));
            await far.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
            var exchange = new Exchange();
            // Whichever way ends first ends both.
            await Task.WhenAny(AskAsync(near, far, exchange), AnswerAsync(far, near, exchange));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // One end has gone.
        }
    }

    // A client sends a request at once, and the next one after the answer: each begins with its first line.
    private async Task AskAsync(Socket from, Socket to, Exchange exchange)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
        {
            var text = Encoding.ASCII.GetString(buffer, 0, read);
            exchange.Asked = text.AsSpan(0, Math.Min(read, 4)) is "GET " or "POST" ? text : exchange.Asked + text;
            await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }

    private async Task AnswerAsync(Socket from, Socket to, Exchange exchange)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
        {
            var text = Encoding.ASCII.GetString(buffer, 0, Math.Min(read, 20));
            if (text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && _loses(exchange.Asked, text))
            {
                Interlocked.Increment(ref _lost);
                return;
            }
            await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }

    private sealed class Exchange
    {
        public volatile string Asked = "";
    }
}
