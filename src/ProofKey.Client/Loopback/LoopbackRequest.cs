using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Client.Loopback;

/// <summary>
/// One HTTP/1.1 request, within 64 KiB of head and of body. What it says to us is read strictly (RFC 9112): request line, host, type and
/// framing. Other fields are let pass, since browsers send what other programs on this host had them keep, large cookies among it.
/// </summary>
internal sealed class LoopbackRequest
{
    private const int UsualHead = 4 * 1024;
    private const int MaxHead = 64 * 1024;
    private const int MaxBody = 64 * 1024;

    private static readonly LoopbackRequest Malformed = new();

    private string? _contentType;

    private LoopbackRequest()
    {
    }

    public bool IsWellFormed { get; private init; }

    public string Method { get; private init; } = "";

    public string Path { get; private init; } = "";

    public string Query { get; private init; } = "";

    public string Host { get; private set; } = "";

    public string Body { get; private set; } = "";

    public bool IsForm => _contentType is not null && _contentType.Split(';')[0].Trim().Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether it says what another request to the same place said.</summary>
    public bool IsCopyOf(LoopbackRequest other) => Method == other.Method && Query == other.Query && Body == other.Body;

    public override string ToString() => $"{Method} {Path}";

    /// <summary>Reads a request; <see langword="null"/> when the connection brought none, as when a browser connects in advance.</summary>
    public static async Task<LoopbackRequest?> ReadAsync(Socket connection, CancellationToken cancel)
    {
        // A connection that says nothing costs little.
        var buffer = new byte[UsualHead];
        var (length, end) = (0, -1);
        while (end < 0 && length < MaxHead)
        {
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(2 * length, MaxHead));
            var read = await connection.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancel);
            if (read == 0) return length == 0 ? null : Malformed;
            var from = Math.Max(0, length - 3);
            length += read;
            end = buffer.AsSpan(from, length - from).IndexOf("\r\n\r\n"u8) is >= 0 and var found ? from + found : -1;
        }
        if (end < 0 || ParseHead(buffer.AsSpan(0, end), out var bodyLength) is not { } request) return Malformed;
        return await ReadBodyAsync(connection, request, buffer[(end + 4)..length], bodyLength, cancel);
    }

    private static async Task<LoopbackRequest> ReadBodyAsync(Socket connection, LoopbackRequest request, byte[] begun, int length, CancellationToken cancel)
    {
        if (length > MaxBody || begun.Length > length) return Malformed;
        var body = new byte[length];
        begun.CopyTo(body, 0);
        for (var have = begun.Length; have < length;)
        {
            var read = await connection.ReceiveAsync(body.AsMemory(have), SocketFlags.None, cancel);
            if (read == 0) return Malformed;
            have += read;
        }
        request.Body = Encoding.Latin1.GetString(body);
        return request;
    }

    private static LoopbackRequest? ParseHead(ReadOnlySpan<byte> head, out int bodyLength)
    {
        bodyLength = 0;
        var lines = Encoding.Latin1.GetString(head).Split("\r\n");
        return ParseRequestLine(lines[0]) is { } request && request.ReadHeaders(lines.AsSpan(1), ref bodyLength) ? request : null;
    }

    private static bool IsPrintable(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange(' ', '~');

    // RFC 9110 section 5.5: beyond the printable, a value may hold tabs and bytes above ASCII; CR and LF come as a pair, at line ends.
    private static bool IsFieldValue(string text) => !text.Any(character => character is (< ' ' and not '\t') or '\u007f');

    // RFC 9112 section 3.2.1: origin-form only, since we are no proxy
    private static LoopbackRequest? ParseRequestLine(string line)
    {
        var parts = line.Split(' ');
        if (!IsPrintable(line) || parts is not [{ Length: > 0 } method, ['/', ..] target, "HTTP/1.1" or "HTTP/1.0"]) return null;
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        return new LoopbackRequest
        {
            IsWellFormed = true,
            Method = method,
            Path = mark < 0 ? target : target[..mark],
            Query = mark < 0 ? "" : target[(mark + 1)..],
        };
    }

    private bool ReadHeaders(ReadOnlySpan<string> lines, ref int bodyLength)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExceptInRange('!', '~')) return false;
            var (name, value) = (line[..colon], line[(colon + 1)..].Trim(' ', '\t'));
            if (!IsFieldValue(value)) return false;
            if (!ReadHeader(name, value, seen.Add(name), ref bodyLength)) return false;
        }
        return true;
    }

    // RFC 9112 section 3.2 and section 6.3: one host, one length, no other framing
    private bool ReadHeader(string name, string value, bool first, ref int bodyLength)
    {
        switch (name.ToLowerInvariant())
        {
            case "host":
                Host = value;
                return first && IsPrintable(value);
            case "content-type":
                _contentType = value;
                return first && IsPrintable(value);
            case "content-length":
                return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out bodyLength) && first;
            case "transfer-encoding":
                return false;
            default:
                return true;
        }
    }
}
