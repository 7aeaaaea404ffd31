using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Loopback;

/// <summary>
/// Receives the answer of a sign-in on 127.0.0.1 and [::1] (RFC 8252 section 7.3), on a port that the system picks and that is held
/// until the end. Rules: one answer is taken, the one with the exact path, the right host and our state; everything else gets an error
/// and changes nothing; each connection serves one request, within limits of size and time; the browser sees the page after the code
/// was redeemed, at an address without the code.
/// </summary>
internal sealed class LoopbackListener : IAsyncDisposable
{
    private const int MaxConnections = 64;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(500);

    // How long we hold the port for a browser that does not come to fetch its page.
    private static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(2);

    private readonly ClientOptions _options;
    private readonly Socket[] _sockets;
    private readonly int _port;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _slots = new(MaxConnections, MaxConnections);
    private readonly TaskCompletionSource<Callback> _accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CallbackPage> _page = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<Parameters, Callback?> _match = _ => null;
    private Task _accepting = Task.CompletedTask;
    private int _disposed;

    private LoopbackListener(ClientOptions options, Socket[] sockets, int port)
    {
        _options = options;
        _sockets = sockets;
        _port = port;
    }

    public string RedirectUri => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}{_options.RedirectPath}");

    private string DonePath => _options.RedirectPath.TrimEnd('/') + "/done";

    /// <summary>Binds and listens; connections that come before <see cref="WaitAsync"/> wait in the system's queue.</summary>
    public static LoopbackListener Start(ClientOptions options)
    {
        // A few tries for a port that is free in both families; what counts is 127.0.0.1, which the redirect URI names.
        for (var tries = 0; ; tries++)
        {
            var first = Listen(IPAddress.Loopback, 0);
            var port = ((IPEndPoint)first.LocalEndPoint!).Port;
            if (!Socket.OSSupportsIPv6) return new LoopbackListener(options, [first], port);
            try
            {
                return new LoopbackListener(options, [first, Listen(IPAddress.IPv6Loopback, port)], port);
            }
            catch (SocketException taken) when (taken.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied && tries < 5)
            {
                first.Dispose();
            }
            catch (SocketException)
            {
                return new LoopbackListener(options, [first], port);
            }
        }
    }

    /// <summary>Waits for the answer. The connection that brought it stays open until <see cref="AnswerAsync"/>.</summary>
    public Task<Callback> WaitAsync(Func<Parameters, Callback?> match, CancellationToken cancel)
    {
        _match = match;
        _accepting = Task.WhenAll(_sockets.Select(AcceptAsync));
        return _accepted.Task.WaitAsync(cancel);
    }

    /// <summary>Shows the page in the browser: the answer is a redirect to a clean address, which serves it (RFC 9700 section 4.3.1).</summary>
    public async Task AnswerAsync(CallbackPage page)
    {
        _page.TrySetResult(page);
        try
        {
            await _served.Task.WaitAsync(PageTimeout, _stop.Token);
        }
        catch (Exception unseen) when (unseen is TimeoutException or OperationCanceledException)
        {
            // The window was closed, or we are disposed. The person has seen enough.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync();
        foreach (var socket in _sockets) socket.Dispose();
        await _accepting;
        for (var slot = 0; slot < MaxConnections; slot++) await _slots.WaitAsync();
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // On Windows another program could bind the same port beside us.
            if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                await _slots.WaitAsync(_stop.Token);
                if (await AcceptOneAsync(listener) is { } connection) _ = ServeAsync(connection);
                else _slots.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed while all connections were taken.
        }
    }

    // No connection: it was reset in the queue, there are no file handles left for the moment, or we are disposed.
    private async Task<Socket?> AcceptOneAsync(Socket listener)
    {
        try
        {
            return await listener.AcceptAsync(_stop.Token);
        }
        catch (SocketException)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
            return null;
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        using var limit = new CancellationTokenSource(RequestTimeout, _options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, limit.Token);
        try
        {
            using var open = connection;
            var request = await LoopbackRequest.ReadAsync(connection, linked.Token);
            if (request is not null) await AnswerOneAsync(connection, request, linked.Token);
        }
        catch (Exception broken) when (broken is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Too slow, or gone. Whoever it was, the wait goes on.
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task AnswerOneAsync(Socket connection, LoopbackRequest request, CancellationToken cancel)
    {
        if (request.IsWellFormed && IsOurHost(request.Host) && request.Path == DonePath && request.Method is "GET" && _page.Task.IsCompletedSuccessfully)
        {
            await LoopbackResponse.Page(_page.Task.Result).SendAsync(connection, DrainTime, cancel);
            _served.TrySetResult();
        }
        else if (Ignored(request, out var callback) is { } reason)
        {
            _options.Emit(new ClientEvent.RequestIgnored(reason));
            await LoopbackResponse.For(reason, request.Method).SendAsync(connection, DrainTime, cancel);
        }
        else if (_accepted.TrySetResult(callback!))
        {
            await RedirectAsync(connection);
        }
        else
        {
            _options.Emit(new ClientEvent.RequestIgnored(IgnoredRequestReason.Late));
            await LoopbackResponse.For(IgnoredRequestReason.Late, request.Method).SendAsync(connection, DrainTime, cancel);
        }
    }

    // The code is being redeemed, which may take longer than a request may.
    private async Task RedirectAsync(Socket connection)
    {
        try
        {
            await _page.Task.WaitAsync(_stop.Token);
            await LoopbackResponse.SeeOther(DonePath).SendAsync(connection, DrainTime, _stop.Token);
        }
        catch (SocketException)
        {
            // The browser has gone, so nobody will ask for the page.
            _served.TrySetResult();
        }
    }

    // Why a request is not the answer, in the order in which it is looked at; null when it is.
    private IgnoredRequestReason? Ignored(LoopbackRequest request, out Callback? callback)
    {
        callback = null;
        if (!request.IsWellFormed) return IgnoredRequestReason.Malformed;
        // RFC 9110 section 7.2: a name that was made to point here (DNS rebinding) is not our name
        if (!IsOurHost(request.Host)) return IgnoredRequestReason.Host;
        if (request.Path != _options.RedirectPath) return IgnoredRequestReason.Path;
        var form = _options.ResponseMode == ResponseMode.FormPost;
        if (request.Method != (form ? "POST" : "GET") || (form && !request.IsForm)) return IgnoredRequestReason.Method;
        if (Parameters.TryParse(form ? request.Body : request.Query, out var parameters, out _)) callback = _match(parameters);
        return callback is null ? IgnoredRequestReason.State : null;
    }

    private bool IsOurHost(string host) =>
        host == string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port}") || host == string.Create(CultureInfo.InvariantCulture, $"[::1]:{_port}");
}
