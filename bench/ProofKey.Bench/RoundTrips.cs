using System.Net.Sockets;

namespace ProofKey.Bench;

/// <summary>
/// Stands between a server and PostgreSQL, passes everything on, and counts how often the server speaks after the database has: what comes without
/// waiting for an answer is one round trip.
/// </summary>
internal sealed class RoundTrips : IDisposable
{
    private const string SocketName = ".s.PGSQL.5432";

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _database;
    private long _count;

    /// <param name="database">The folder of the database's socket.</param>
    /// <param name="folder">The folder for this one's.</param>
    public RoundTrips(string database, string folder)
    {
        (_database, Host) = (Path.Combine(database, SocketName), folder);
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, SocketName)));
        _listener.Listen();
        _ = AcceptAsync();
    }

    /// <summary>What a connection string names as the host.</summary>
    public string Host { get; }

    /// <summary>How many there were so far.</summary>
    public long Count => Interlocked.Read(ref _count);

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = PassAsync(await _listener.AcceptAsync());
        }
        catch (SocketException)
        {
            // Closed: nobody comes any more.
        }
        catch (ObjectDisposedException)
        {
            // The same.
        }
    }

    private async Task PassAsync(Socket server)
    {
        using var database = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (server)
        {
            await database.ConnectAsync(new UnixDomainSocketEndPoint(_database));
            var isAnswered = 1;
            await Task.WhenAny(
                CopyAsync(server, database, () => Interlocked.Add(ref _count, Interlocked.Exchange(ref isAnswered, 0))),
                CopyAsync(database, server, () => Interlocked.Exchange(ref isAnswered, 1)));
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, Action passing)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var length)
            {
                passing();
                for (var sent = 0; sent < length;) sent += await to.SendAsync(buffer.AsMemory(sent, length - sent));
            }
        }
        catch (SocketException)
        {
            // One of the two has gone, and the other one is told by closing.
        }
    }
}
