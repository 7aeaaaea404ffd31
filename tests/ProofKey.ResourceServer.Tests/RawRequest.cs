using System.Net.Sockets;
using System.Text;

namespace ProofKey.ResourceServer.Tests;

/// <summary>A request written byte by byte, for what HttpClient refuses to send.</summary>
internal static class RawRequest
{
    public static async Task<(int Status, string Head)> SendAsync(Api api, string path, params string[] headers)
    {
        var address = api.Http.BaseAddress!;
        using var socket = new TcpClient();
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await using var stream = socket.GetStream();
        var lines = string.Concat(headers.Select(header => $"{header}\r\n"));
        var request = $"GET {path} HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n{lines}\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        var head = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        return (int.Parse(head.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), head);
    }
}
