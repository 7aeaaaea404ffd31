using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>One answer of the server, read whole and bounded.</summary>
internal sealed record Answer(string What, HttpStatusCode Status, string? MediaType, byte[] Body)
{
    private const int MaxDepth = 16;

    /// <summary>The nonce for the next proof that came with it.</summary>
    public string? Nonce { get; init; }

    /// <summary>What a server of claims says of the token.</summary>
    public IReadOnlyList<Challenge> Challenges { get; init; } = [];

    /// <summary>Whether the server wants its nonce in the proof: as an error in JSON, or in a challenge (RFC 9449 section 8 and section 9).</summary>
    public bool WantsNonce => Status is HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized && (Challenges.Any(challenge => challenge is { IsDpop: true, Error: UseNonce }) || HasError(UseNonce));

    internal const string UseNonce = "use_dpop_nonce";

    public bool IsSuccess => (int)Status is >= 200 and < 300;

    public bool IsJson => MediaType is "application/json" || (MediaType?.StartsWith("application/", StringComparison.Ordinal) == true && MediaType.EndsWith("+json", StringComparison.Ordinal));

    /// <summary>The body as a JSON object; two readers of one answer must not see two answers (RFC 8259 section 4).</summary>
    /// <exception cref="ProtocolViolationException">It is not one.</exception>
    public JsonElement Object() => StrictJson.TryParseObject(Body, MaxDepth, out var json)
        ? json
        : throw new ProtocolViolationException("malformed_json", $"a JSON object of Unicode text without repeated members as {What}", "the answer was something else");

    public override string ToString() => $"{What}: {(int)Status}";

    private bool HasError(string code) =>
        IsJson && StrictJson.TryParseObject(Body, MaxDepth, out var json) && json.Text("error") == code;
}

/// <summary>
/// Sends requests to the authorization server: no redirects (RFC 9700 section 4.9.1), no cookies, no compression, at most 64 KiB and
/// <see cref="ClientOptions.RequestTimeout"/> per answer, body included.
/// </summary>
internal sealed class Backchannel : IDisposable
{
    public const int MaxAnswerBytes = 64 * 1024;

    private const string TryLater = "Try again later.";

    private const string NoConnection = "no_connection";

    // Nobody answers, or something on the way swallows it: no more is known after half a minute.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    // A token that is still good is given without it.
    private readonly Lazy<HttpClient> _http;
    private readonly bool _saysWhatWasSent;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private volatile bool _disposed;

    public Backchannel(ClientOptions options)
        : this(options.HttpMessageHandler, options.RequestTimeout, options.TimeProvider)
    {
    }

    public Backchannel(HttpMessageHandler? handler, TimeSpan timeout, TimeProvider time)
    {
        // Another handler may try again by itself, and then tell of the last attempt alone.
        _saysWhatWasSent = handler is null or SocketsHttpHandler;
        _timeout = timeout;
        _time = time;
        Proofs = new Proofs(time);
        _http = new Lazy<HttpClient>(() => new HttpClient(handler ?? NewHandler(), disposeHandler: handler is null) { Timeout = System.Threading.Timeout.InfiniteTimeSpan });
    }

    /// <summary>The server's clock, as far as it was seen.</summary>
    public ServerClock ServerClock { get; } = new();

    /// <summary>What makes the proofs of this client's sessions.</summary>
    public Proofs Proofs { get; }

    /// <summary>
    /// The platform's handler as this library uses it, for the server and for APIs alike; it checks certificates (RFC 6749 section 10.9), and a connection has ten
    /// seconds to come about, over IPv6 or IPv4.
    /// </summary>
    public static SocketsHttpHandler NewHandler() => new()
    {
        ConnectTimeout = ConnectTimeout,
        ConnectCallback = ConnectionRace.ConnectAsync,
        AllowAutoRedirect = false,
        UseCookies = false,
        Proxy = new DirectToLoopback(HttpClient.DefaultProxy),
        // A connection that idled in the pool may be dead by the time a refresh token is sent over it.
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    };

    /// <summary>Reads something, with a token where it is the person's.</summary>
    public Task<Answer> GetAsync(string what, Uri address, CancellationToken cancel, AccessToken? token = null) => SendAsync(what, token?.IsBound == true, () =>
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        token?.ApplyTo(request, Proofs);
        return request;
    }, cancel);

    /// <summary>Posts a form, with a proof where a session has a key.</summary>
    public Task<Answer> PostAsync(string what, Uri address, Parameters form, CancellationToken cancel, string? dpopKey = null) => SendAsync(what, dpopKey is not null, () =>
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new WatchedForm(form) };
        if (dpopKey is not null) request.Headers.Add(Dpop.HeaderName, Proofs.Make(dpopKey, HttpMethod.Post, address));
        return request;
    }, cancel);

    public void Dispose()
    {
        _disposed = true;
        if (_http.IsValueCreated) _http.Value.Dispose();
        Proofs.Dispose();
    }

    // RFC 9449 section 8: a request that was refused for want of a nonce did nothing, so it is sent once more, with a new proof; never a third time
    private async Task<Answer> SendAsync(string what, bool proves, Func<HttpRequestMessage> make, CancellationToken cancel)
    {
        var answer = await SendOutAsync(what, make, cancel);
        if (!proves || !answer.WantsNonce) return answer;
        if (answer.Nonce is null) throw NoNonce($"a nonce with {Answer.UseNonce}", "there was none");
        answer = await SendOutAsync(what, make, cancel);
        return answer.WantsNonce ? throw NoNonce("a proof with the server's own nonce to be taken", "it asked for another one") : answer;
    }

    private static ProtocolViolationException NoNonce(string expected, string actual) => new("dpop_nonce", $"{expected} (RFC 9449 section 8)", actual);

    // RFC 9110 section 9.2.2: a POST is repeated only where it is known that it was never applied, as here, where no connection for it came about
    private async Task<Answer> SendOutAsync(string what, Func<HttpRequestMessage> make, CancellationToken cancel)
    {
        try
        {
            return await SendOnceAsync(what, make(), cancel);
        }
        // Who waited for a connection in vain would wait as long again.
        catch (AuthorizationServerUnavailableException unsent) when (unsent is { Code: NoConnection, NothingHappened: true, InnerException: not OperationCanceledException } && !cancel.IsCancellationRequested)
        {
            return await SendOnceAsync(what, make(), cancel);
        }
    }

    private async Task<Answer> SendOnceAsync(string what, HttpRequestMessage request, CancellationToken cancel)
    {
        using var sent = request;
        // What was not made yet would be made anew, and nobody would end it.
        ObjectDisposedException.ThrowIf(_disposed, typeof(PublicClient));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        var address = request.RequestUri!;
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            using var response = await _http.Value.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token);
            // An answer out of a cache tells an old time.
            if (response.Headers.Age is null) ServerClock.Observe(address.Host, response.Headers.Date, _time.GetUtcNow());
            var nonce = Proofs.Observe(address, response);
            ThrowIfRedirected(what, address, response);
            ThrowIfUnavailable(what, response);
            var body = await ReadAsync(what, response, linked.Token);
            return new Answer(what, response.StatusCode, response.Content.Headers.ContentType?.MediaType?.ToLowerInvariant(), body)
            {
                Nonce = nonce,
                Challenges = Challenge.Of(response),
            };
        }
        catch (OperationCanceledException stopped) when (!cancel.IsCancellationRequested)
        {
            throw Stopped(what, request, stopped);
        }
        catch (HttpRequestException untrusted) when (untrusted.InnerException is AuthenticationException)
        {
            throw NoTls(what, address, untrusted);
        }
        // A SocketException comes bare where a connection ends in the moment in which it is made: the platform asks it for its address then.
        catch (Exception broken) when (broken is HttpRequestException or IOException or SocketException)
        {
            throw Unavailable(NoConnection, what, $"{address.Authority} could not be reached ({Reason(broken)})", broken, IsUnsent(broken));
        }
        // A program's own handler has exceptions of its own, such as those of a circuit that is open.
        catch (Exception foreign) when (!_saysWhatWasSent && foreign is not (ClientException or ObjectDisposedException or OperationCanceledException))
        {
            cancel.ThrowIfCancellationRequested();
            throw Unavailable(NoConnection, what, $"{address.Authority} could not be reached ({foreign.GetType().Name})", foreign);
        }
    }

    // A certificate does not become good by waiting.
    private static AuthorizationServerUnavailableException NoTls(string what, Uri address, Exception inner) => new(
        "tls",
        $"a TLS connection to {address.Authority} for {what}",
        "its certificate is not trusted here, or no TLS could be agreed on",
        "Check the issuer's address and this machine's clock, and have this machine trust the server's certificate authority.",
        retryable: false,
        inner: inner,
        nothingHappened: true);

    // The .NET error names (ConnectionError, NameResolutionError) say enough and hold no data of the request.
    private static string Reason(Exception broken) => broken is HttpRequestException { HttpRequestError: var error } ? error.ToString() : "the connection broke off";

    private static AuthorizationServerUnavailableException Unavailable(string code, string what, string actual, Exception? inner = null, bool nothingHappened = false) =>
        new(code, $"an answer as {what}", actual, TryLater, inner: inner, nothingHappened: nothingHappened);

    // These come before the first byte of the request.
    private bool IsUnsent(Exception broken) =>
        _saysWhatWasSent && broken is SocketException or HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError };

    private AuthorizationServerUnavailableException Stopped(string what, HttpRequestMessage request, OperationCanceledException stopped)
    {
        // A body that was not begun went nowhere; where there is none, a TimeoutException is the platform's word for a connection that took too long.
        var unsent = _saysWhatWasSent && (request.Content is WatchedForm form ? !form.IsBegun : stopped.InnerException is TimeoutException);
        var address = request.RequestUri!;
        if (_disposed) return Unavailable(NoConnection, what, "this client was disposed before the answer came", stopped, unsent);
        return unsent
            ? Unavailable(NoConnection, what, $"{address.Authority} could not be reached within {Math.Min(_timeout.TotalSeconds, ConnectTimeout.TotalSeconds):0.#} seconds", stopped, nothingHappened: true)
            : Unavailable("timeout", what, $"{address.Host} did not finish answering within {_timeout.TotalSeconds:0.#} seconds", stopped);
    }

    private static void ThrowIfRedirected(string what, Uri address, HttpResponseMessage response)
    {
        if ((int)response.StatusCode is < 300 or >= 400 && response.RequestMessage?.RequestUri == address) return;
        throw new ProtocolViolationException("redirect", $"{what} at {address.GetLeftPart(UriPartial.Path)} itself", "the server redirected elsewhere, which is not followed");
    }

    private void ThrowIfUnavailable(string what, HttpResponseMessage response)
    {
        if ((int)response.StatusCode is not (>= 500 or 429)) return;
        var wait = response.Headers.RetryAfter;
        var until = wait?.Delta ?? (wait?.Date - _time.GetUtcNow());
        throw new AuthorizationServerUnavailableException(
            "server_status", $"an answer as {what}", $"the server answered {(int)response.StatusCode}", TryLater,
            retryAfter: until > TimeSpan.Zero ? until : null, nothingHappened: response.StatusCode == HttpStatusCode.TooManyRequests);
    }

    private static async Task<byte[]> ReadAsync(string what, HttpResponseMessage response, CancellationToken cancel)
    {
        // We asked for no compression; a few bytes that unfold to gigabytes are not for us.
        if (response.Content.Headers.ContentEncoding.Count > 0) throw TooLarge(what, "the answer was compressed without being asked to");
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        var buffer = new byte[MaxAnswerBytes + 1];
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return length <= MaxAnswerBytes ? buffer[..length] : throw TooLarge(what, "the answer was longer");
    }

    private static ProtocolViolationException TooLarge(string what, string actual) => new("too_large", $"{what} in at most 64 KiB", actual);

    /// <summary>A form that knows whether anybody has begun to send it: all that is secret in a request is in it.</summary>
    private sealed class WatchedForm(Parameters form) : FormUrlEncodedContent(form.Pairs)
    {
        private volatile bool _isBegun;

        public bool IsBegun => _isBegun;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            _isBegun = true;
            return base.SerializeToStreamAsync(stream, context, cancellationToken);
        }
    }
}
