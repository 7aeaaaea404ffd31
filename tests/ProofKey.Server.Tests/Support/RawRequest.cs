using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Server.Tests.Support;

/// <summary>A request written byte by byte, for what HttpClient refuses to send.</summary>
internal static class RawRequest
{
    /// <summary>Sends a request without a body, one byte for each character.</summary>
    /// <returns>The status, and the whole answer.</returns>
    public static Task<(int Status, string Text)> SendRawAsync(this RunningServer server, string target, string method = "GET", params string[] headers) =>
        server.SendRawFormAsync(target, method, "", headers);

    /// <summary>Sends a request with a body; its length and type are among the headers.</summary>
    /// <returns>The status, and the whole answer.</returns>
    public static async Task<(int Status, string Text)> SendRawFormAsync(this RunningServer server, string target, string method, string body, params string[] headers)
    {
        var address = new Uri(server.Issuer);
        using var socket = new TcpClient();
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await using var stream = socket.GetStream();
        var lines = string.Concat(headers.Select(header => $"{header}\r\n"));
        var request = $"{method} {target} HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n{lines}\r\n{body}";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var text = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        return (int.Parse(text.Split(' ')[1], CultureInfo.InvariantCulture), text);
    }
}
