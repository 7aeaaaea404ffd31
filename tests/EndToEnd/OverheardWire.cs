using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EndToEnd;

/// <summary>
/// A wire to a server of plain http, on the port that its clients know. What goes over it, whoever sends it, tells <see cref="SuiteWitness"/> the secrets of the
/// run; it is carried as it is, and from the address that it came from.
/// </summary>
public sealed class OverheardWire : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<StringBuilder, bool> _carried = new();
    private readonly Task _accepting;

    /// <param name="from">Where clients connect.</param>
    /// <param name="to">Where the server listens.</param>
    public OverheardWire(int from, int to)
    {
        _listener = new TcpListener(IPAddress.Loopback, from);
        _listener.Start();
        _accepting = AcceptAsync(to);
        SuiteWitness.OfThisSuite.AskAtTheEnd(Tell);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Tell();
        _carried.Clear();
        _end.Dispose();
    }

    // A connection may be kept for longer than the tests last, and a message comes in pieces: so it is read when all is over.
    private void Tell()
    {
        foreach (var text in _carried.Keys)
            lock (text) SuiteWitness.OfThisSuite.Heard(text.ToString());
    }

    private async Task AcceptAsync(int port)
    {
        try
        {
            while (true) _ = CarryAsync(await _listener.AcceptSocketAsync(_end.Token), port);
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
            near.NoDelay = true;
            far.Bind(new IPEndPoint(((IPEndPoint)near.RemoteEndPoint!).Address, 0));
            await far.ConnectAsync(IPAddress.Loopback, port, _end.Token);
            await Task.WhenAll(CarryAsync(near, far), CarryAsync(far, near));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One end has gone: both have.
        }
    }

    private async Task CarryAsync(Socket from, Socket to)
    {
        var (buffer, carried) = (new byte[64 * 1024], new StringBuilder());
        _carried[carried] = true;
        try
        {
            while (await from.ReceiveAsync(buffer, _end.Token) is > 0 and var read)
            {
                lock (carried) carried.Append(Encoding.Latin1.GetString(buffer, 0, read));
                await to.SendAsync(buffer.AsMemory(0, read), _end.Token);
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            // A server that is killed while it answers leaves nobody waiting.
            from.Dispose();
            to.Dispose();
            throw;
        }
    }
}
