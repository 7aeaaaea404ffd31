using System.Net;
using System.Net.Sockets;

namespace ProofKey.Server.Http;

/// <summary>
/// Calls addresses that clients were registered with, and trusts none of them: https alone, no redirects, no proxy, no cookies, 5 seconds,
/// 64 KiB, and never an address that is not public. The address is checked where the connection is made, so a name that resolves elsewhere
/// the second time gains nothing. A server whose own issuer is http on loopback, as for development, may also call loopback.
/// </summary>
internal sealed class GuardedHttp(ServerOptions options) : IDisposable
{
    public const int MaxLength = 64 * 1024;

    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a call may take.</summary>
    internal TimeSpan Patience { get; init; } = Timeout;

    private readonly bool _mayCallLoopback = !options.Issuer.IsHttps;
    private readonly Lock _gate = new();
    private HttpClient? _http;

    /// <summary>Reads a document.</summary>
    /// <exception cref="HttpRequestException">The address may not be called, cannot be reached, or answered something else than 200.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public async Task<byte[]> GetAsync(Uri address, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.ParseAdd("application/json, application/jwk-set+json");
        using var response = await SendAsync(request, cancellation);
        return response.StatusCode == HttpStatusCode.OK
            ? await response.Content.ReadAsByteArrayAsync(cancellation)
            : throw new HttpRequestException($"{address.Host} answered {(int)response.StatusCode}.");
    }

    /// <summary>Sends a request, and reads the whole answer.</summary>
    /// <exception cref="HttpRequestException">The address may not be called or cannot be reached, or the answer is too long.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        var address = request.RequestUri!;
        // Only loopback can be http, and whether it is loopback is asked where the connection is made.
        if (address.Scheme != Uri.UriSchemeHttps && !(_mayCallLoopback && address.Scheme == Uri.UriSchemeHttp))
            throw new HttpRequestException($"{address.Host} is not called without TLS.");
        return Http().SendAsync(request, cancellation);
    }

    public void Dispose() => _http?.Dispose();

    // Made when the first client needs it: most servers call nobody, and carry none of what calling takes.
    private HttpClient Http()
    {
        lock (_gate)
        {
            return _http ??= new HttpClient(Handler()) { Timeout = Patience, MaxResponseContentBufferSize = MaxLength };
        }
    }

    internal SocketsHttpHandler Handler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        // A proxy would connect in our place, and check nothing.
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        MaxConnectionsPerServer = 4,
        MaxResponseHeadersLength = 16,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        // A connection is begun for the pool, and would go on after the request that wanted it has given up.
        ConnectTimeout = Timeout,
        ConnectCallback = ConnectAsync,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var host = context.DnsEndPoint.Host;
        var isPlain = context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttp;
        var found = await Dns.GetHostAddressesAsync(host, cancellation);
        var allowed = Array.FindAll(found, address => (_mayCallLoopback && PublicAddress.IsLoopback(address)) || (!isPlain && PublicAddress.IsPublic(address)));
        if (allowed.Length == 0) throw new HttpRequestException($"{host} is no address of the public Internet.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
