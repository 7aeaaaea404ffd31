using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Loopback;

/// <summary>
/// Receives the answer of a sign-in on 127.0.0.1 and [::1] (RFC 8252 section 7.3), on a port that is held until the end. Rules: one
/// answer is taken, the one with the exact path, the right host and our state; a copy of it ends as it does, everything else gets an error,
/// and both change nothing; each connection serves one request, within limits of size and time; the browser sees the page after the code was
/// redeemed, at an address without the code.
/// </summary>
internal sealed class LoopbackListener : IAsyncDisposable
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(500);

    // How long we hold the port for a browser that does not come to fetch its page.
    private static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(2);

    private readonly ClientOptions _options;
    private readonly Redirect.Loopback _redirect;
    private readonly Socket[] _sockets;
    private readonly int _port;
    private readonly CancellationTokenSource _stop = new();
    private readonly LoopbackPlaces _places = new();
    private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Question _question = new((_, _) => null, ResponseMode.Query);
    private CallbackPage? _page;
    private Task _accepting = Task.CompletedTask;
    private int _disposed;

    // One question to the server and what its answer gets; a second one follows only where the server refused the response mode.
    private sealed class Question(Func<Parameters, bool, Callback?> match, ResponseMode mode)
    {
        private LoopbackRequest? _taken;

        public Func<Parameters, bool, Callback?> Match => match;

        public ResponseMode Mode => mode;

        public TaskCompletionSource<Callback> Accepted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<LoopbackResponse> Response { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // The first answer is taken. Who reloads it, or presses the form's button twice, brings the same once more.
        public bool Takes(Callback callback, LoopbackRequest request) =>
            Interlocked.CompareExchange(ref _taken, request, null) is { } taken ? request.IsCopyOf(taken) : Accepted.TrySetResult(callback);
    }

    private LoopbackListener(ClientOptions options, Redirect.Loopback redirect, Socket[] sockets)
    {
        _options = options;
        _redirect = redirect;
        _sockets = sockets;
        _port = ((IPEndPoint)sockets[0].LocalEndPoint!).Port;
        DonePath = $"{redirect.Path.TrimEnd('/')}/done/{Secret.NewText(16)}";
    }

    public string RedirectUri => _redirect.Address(_port);

    // Nobody but the browser that brought the answer hears of it: the page says who signed in, and its first reader ends the wait.
    private string DonePath { get; }

    /// <summary>Whether a browser has brought the answer, and waits for what becomes of it.</summary>
    public bool HasBrowser => Volatile.Read(ref _question).Accepted.Task.IsCompletedSuccessfully;

    /// <summary>Binds and listens; connections that come before <see cref="WaitAsync"/> wait in the system's queue.</summary>
    /// <param name="options">Who waits.</param>
    /// <param name="redirect">The ports to try.</param>
    /// <param name="open">Opens one of them; by itself the system's own.</param>
    /// <exception cref="SignInRequiredException">None of the ports is free.</exception>
    public static LoopbackListener Start(ClientOptions options, Redirect.Loopback redirect, Func<int, bool, Socket[]>? open = null)
    {
        open ??= LoopbackSockets.Open;
        var taken = new List<(int Port, SocketError Error)>();
        foreach (var port in redirect.Candidates)
        {
            try
            {
                return new LoopbackListener(options, redirect, open(port, redirect.UseLocalhost));
            }
            catch (SocketException refused)
            {
                taken.Add((port, refused.SocketErrorCode));
            }
        }
        throw LoopbackSockets.NoPort(taken, MachineFacts.OfThisMachine.System);
    }

    /// <summary>Waits for the answer. The connection that brought it stays open until it is answered.</summary>
    /// <param name="match">Makes a callback of parameters with our state; the second argument says whether they came by GET.</param>
    /// <param name="mode">How the answer was asked for.</param>
    /// <param name="cancel">Ends the wait.</param>
    public Task<Callback> WaitAsync(Func<Parameters, bool, Callback?> match, ResponseMode mode, CancellationToken cancel)
    {
        var question = new Question(match, mode);
        Volatile.Write(ref _question, question);
        if (_accepting.IsCompleted) _accepting = Task.WhenAll(_sockets.Select(AcceptAsync));
        return question.Accepted.Task.WaitAsync(cancel);
    }

    /// <summary>Sends the browser that brought the last answer to another address, and goes on waiting.</summary>
    public Task<Callback> SendOnAsync(Uri address, Func<Parameters, bool, Callback?> match, ResponseMode mode, CancellationToken cancel)
    {
        var answered = _question;
        var waiting = WaitAsync(match, mode, cancel);
        answered.Response.TrySetResult(LoopbackResponse.SeeOther(address.AbsoluteUri));
        return waiting;
    }

    /// <summary>Shows the page in the browser: the answer is a redirect to a clean address, which serves it (RFC 9700 section 4.3.1).</summary>
    /// <param name="page">The page.</param>
    /// <param name="cancel">Waits no longer for the browser to fetch it.</param>
    public async Task AnswerAsync(CallbackPage page, CancellationToken cancel)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, _stop.Token);
        Volatile.Write(ref _page, page);
        _question.Response.TrySetResult(LoopbackResponse.SeeOther(DonePath));
        try
        {
            await _served.Task.WaitAsync(PageTimeout, linked.Token);
        }
        catch (Exception unseen) when (unseen is TimeoutException or OperationCanceledException)
        {
            // The window was closed, or nobody waits any more. The person has seen enough.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync();
        foreach (var socket in _sockets) socket.Dispose();
        await _accepting;
        await _places.DisposeAsync();
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
            if (await AcceptOneAsync(listener) is { } place) _ = ServeAsync(place);
    }

    // No connection: it was reset in the queue, there are no file handles left for the moment, or we are disposed.
    private async Task<LoopbackPlaces.Place?> AcceptOneAsync(Socket listener)
    {
        Socket? connection = null;
        try
        {
            connection = await listener.AcceptAsync(_stop.Token);
            return await _places.TakeAsync(connection, _stop.Token);
        }
        catch (SocketException)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
            return null;
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
        {
            connection?.Dispose();
            return null;
        }
    }

    private async Task ServeAsync(LoopbackPlaces.Place place)
    {
        using var limit = new CancellationTokenSource(RequestTimeout, _options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, limit.Token);
        try
        {
            using var open = place.Connection;
            var request = await LoopbackRequest.ReadAsync(open, linked.Token);
            if (request is not null) await AnswerOneAsync(place, request, linked.Token);
        }
        catch (Exception broken) when (broken is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Too slow, gone, or given way. Whoever it was, the wait goes on.
        }
        finally
        {
            _places.Leave(place);
        }
    }

    private async Task AnswerOneAsync(LoopbackPlaces.Place place, LoopbackRequest request, CancellationToken cancel)
    {
        var (question, connection) = (Volatile.Read(ref _question), place.Connection);
        if (request.IsWellFormed && IsOurHost(request.Host) && request.Path == DonePath && request.Method is "GET" && Volatile.Read(ref _page) is { } page)
        {
            _places.TryKeep(place);
            await LoopbackResponse.Page(page).SendAsync(connection, DrainTime, cancel);
            _served.TrySetResult();
        }
        else if (Ignored(request, question, out var callback) is { } reason)
        {
            _options.Emit(new ClientEvent.RequestIgnored(reason));
            await LoopbackResponse.For(reason, request.Method).SendAsync(connection, DrainTime, cancel);
        }
        else if (!_places.TryKeep(place))
        {
            // It gave way while it was read. The browser may bring it again.
        }
        else if (question.Takes(callback!, request))
        {
            // The code is being redeemed, which may take longer than a request may. A browser that has gone meanwhile may bring its answer once more.
            var response = await question.Response.Task.WaitAsync(_stop.Token);
            await response.SendAsync(connection, DrainTime, _stop.Token);
        }
        else
        {
            _options.Emit(new ClientEvent.RequestIgnored(IgnoredRequestReason.Late));
            await LoopbackResponse.For(IgnoredRequestReason.Late, request.Method).SendAsync(connection, DrainTime, cancel);
        }
    }

    // Why a request is not the answer, in the order in which it is looked at; null when it is. What comes by GET although a form was asked
    // for is read too: the sign-in must hear of a server that refuses the form, and refuse a code that comes that way.
    private IgnoredRequestReason? Ignored(LoopbackRequest request, Question question, out Callback? callback)
    {
        callback = null;
        if (!request.IsWellFormed) return IgnoredRequestReason.Malformed;
        // RFC 9110 section 7.2: a name that was made to point here (DNS rebinding) is not our name
        if (!IsOurHost(request.Host)) return IgnoredRequestReason.Host;
        if (request.Path != _redirect.Path) return IgnoredRequestReason.Path;
        var isForm = request.Method == "POST" && request.IsForm && question.Mode == ResponseMode.FormPost;
        if (!isForm && request.Method != "GET") return IgnoredRequestReason.Method;
        if (Parameters.TryParse(isForm ? request.Body : request.Query, out var parameters, out _)) callback = question.Match(parameters, !isForm);
        return callback is null ? IgnoredRequestReason.State : null;
    }

    private bool IsOurHost(string host) => LoopbackHost.IsOurs(host, _port, _redirect.UseLocalhost);
}
