using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client;

/// <summary>
/// Connects to a host that has several addresses (RFC 8305): one that does not answer at once does not keep the next one from its turn, and what answers first is taken. The
/// platform tries one after the other, so a machine whose IPv6 leads nowhere would never come to IPv4.
/// </summary>
internal static class ConnectionRace
{
    // RFC 8305 section 5
    private static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(250);

    /// <summary>A connection, for <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <exception cref="SocketException">There is no such name, or none of its addresses takes a connection.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        IPAddress[] addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancel);
        return new NetworkStream(await RunAsync(addresses, port, cancel), ownsSocket: true);
    }

    /// <summary>The first connection that comes about.</summary>
    internal static async Task<Socket> RunAsync(IReadOnlyList<IPAddress> addresses, int port, CancellationToken cancel)
    {
        // Most hosts have one: nothing races there.
        if (addresses.Count == 1) return await ConnectAsync(addresses[0], port, cancel);
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = new List<Task<Socket>>();
        var waiting = new Queue<IPAddress>(InTurns(addresses));
        Exception? last = null;
        try
        {
            while (waiting.Count > 0 || running.Count > 0)
            {
                cancel.ThrowIfCancellationRequested();
                if (waiting.TryDequeue(out var address)) running.Add(ConnectAsync(address, port, others.Token));
                var timer = Task.Delay(waiting.Count > 0 ? HeadStart : Timeout.InfiniteTimeSpan, TimeProvider.System, others.Token);
                if (await Task.WhenAny([.. running, timer]) is not Task<Socket> ended) continue;
                running.Remove(ended);
                if (ended.IsCompletedSuccessfully) return await ended;
                // To look at it is to have seen it: a failure that the next address makes good is nobody's.
                last = ended.Exception?.InnerException ?? last;
            }
            cancel.ThrowIfCancellationRequested();
            throw last ?? new SocketException((int)SocketError.HostNotFound);
        }
        finally
        {
            await others.CancelAsync();
            foreach (var late in running) _ = late.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    // RFC 8305 section 4: the families take turns, in the order of the system.
    private static IEnumerable<IPAddress> InTurns(IEnumerable<IPAddress> addresses) => addresses
        .GroupBy(address => address.AddressFamily)
        .SelectMany(family => family.Select((address, turn) => (Address: address, Turn: turn)))
        .OrderBy(one => one.Turn)
        .Select(one => one.Address);

    private static async Task<Socket> ConnectAsync(IPAddress address, int port, CancellationToken cancel)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, port, cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // One that comes about after all, or the reason why it did not.
    private static void Forget(Task<Socket> late)
    {
        if (late.IsCompletedSuccessfully) late.Result.Dispose();
        else _ = late.Exception;
    }
}
