using System.Net.Sockets;
using System.Text;

namespace ProofKey.Client.Loopback;

/// <summary>One HTTP/1.1 response, and the gentle end of its connection.</summary>
internal sealed class LoopbackResponse
{
    private readonly byte[] _bytes;

    private LoopbackResponse(string status, string headers, string body = "")
    {
        // RFC 9700 section 4.2.4: nothing of this exchange is kept, framed or told to another site
        var head = $"HTTP/1.1 {status}\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n"
            + $"Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: {CallbackPage.SecurityPolicy}\r\n\r\n";
        _bytes = Encoding.UTF8.GetBytes(head + body);
    }

    public static LoopbackResponse Page(CallbackPage page) => new("200 OK", "Content-Type: text/html; charset=utf-8\r\n", page.Html);

    public static LoopbackResponse SeeOther(string path) => new("303 See Other", $"Location: {path}\r\n");

    /// <summary>The answer to a request that is not the one. A preflight gets no permission of any kind.</summary>
    public static LoopbackResponse For(IgnoredRequestReason reason, string method) => (reason, method) switch
    {
        (IgnoredRequestReason.Malformed, _) => new("400 Bad Request", ""),
        (_, "OPTIONS") => new("204 No Content", ""),
        _ => new("404 Not Found", ""),
    };

    /// <summary>Sends the bytes, says that no more will come, and lets the other side finish: a reset could lose the page on its way.</summary>
    public async Task SendAsync(Socket connection, TimeSpan drainTime, CancellationToken cancel)
    {
        for (var sent = 0; sent < _bytes.Length;) sent += await connection.SendAsync(_bytes.AsMemory(sent), SocketFlags.None, cancel);
        connection.Shutdown(SocketShutdown.Send);
        await DrainAsync(connection, drainTime, cancel);
    }

    private static async Task DrainAsync(Socket connection, TimeSpan drainTime, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(drainTime, TimeProvider.System);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        var scrap = new byte[4096];
        try
        {
            while (await connection.ReceiveAsync(scrap, SocketFlags.None, linked.Token) > 0)
            {
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException)
        {
            // Long enough.
        }
    }
}
