using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>
/// Adds a session's access token to requests for one origin and to no others (RFC 9700 section 4.9.1), with a proof where it is bound to a key
/// (RFC 9449). Redirects of GET and HEAD are followed, at most ten, and the token stays behind for good when one leads to another origin; other redirects
/// are handed to the caller. A request that brings an <c>Authorization</c> header of its own gets no token, also where a redirect leads on without that header. An API that asks for a better sign-in or a wider scope is a <see cref="SignInRequiredException"/>.
/// </summary>
public sealed class TokenHandler : DelegatingHandler
{
    private const int MaxRedirects = 10;

    private readonly Func<CancellationToken, Task<Session>> _session;
    private readonly Uri _onlyFor;
    private readonly string? _resource;

    /// <summary>Makes a handler, for a program that builds its own HTTP clients.</summary>
    /// <param name="session">Whose access token is sent.</param>
    /// <param name="onlyFor">The one origin that gets it, https or loopback; a path in it has no meaning.</param>
    /// <param name="inner">What sends the requests; it must not follow redirects itself.</param>
    /// <exception cref="ArgumentException">The address is not absolute, or neither https nor loopback; or <paramref name="inner"/> follows redirects.</exception>
    public TokenHandler(Session session, Uri onlyFor, HttpMessageHandler inner)
        : this(session, onlyFor, null, inner)
    {
    }

    /// <summary>The same with the token of one of several APIs that the sign-in is for.</summary>
    /// <param name="session">Whose access token is sent.</param>
    /// <param name="onlyFor">The one origin that gets it.</param>
    /// <param name="resource">The API's name as in <see cref="ClientOptions.Resource"/> or <see cref="ClientOptions.FurtherResources"/>.</param>
    /// <param name="inner">What sends the requests; it must not follow redirects itself.</param>
    /// <exception cref="ArgumentException">The address is not absolute, or neither https nor loopback; or the sign-in is not for that API; or <paramref name="inner"/> follows redirects.</exception>
    public TokenHandler(Session session, Uri onlyFor, string? resource, HttpMessageHandler inner)
        : this(_ => Task.FromResult(session), onlyFor, resource, inner)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (resource is not null) session.Checked(resource);
    }

    /// <summary>
    /// The same with whichever session there is when a request is sent. It is asked for only when a token is to be sent: a request for another origin, or with an <c>Authorization</c> header of its own,
    /// needs none.
    /// </summary>
    /// <param name="session">Finds the session, such as <see cref="PublicClient.GetStoredSessionAsync"/>. Whatever it throws, the request throws.</param>
    /// <param name="onlyFor">The one origin that gets the token.</param>
    /// <param name="resource">The API's name as in <see cref="ClientOptions.Resource"/> or <see cref="ClientOptions.FurtherResources"/>; <see langword="null"/> is the first one.</param>
    /// <param name="inner">What sends the requests; it must not follow redirects itself.</param>
    /// <exception cref="ArgumentException">The address is not absolute, or neither https nor loopback; or <paramref name="inner"/> follows redirects.</exception>
    public TokenHandler(Func<CancellationToken, Task<Session>> session, Uri onlyFor, string? resource, HttpMessageHandler inner)
        : base(inner)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(onlyFor);
        if (!onlyFor.IsAbsoluteUri || !Issuer.IsHttpsOrLoopback(onlyFor))
            throw new ArgumentException("An access token is sent over https, or over http to this machine only.", nameof(onlyFor));
        if (ClientOptions.FollowsRedirects(inner)) throw new ArgumentException("It must not follow redirects, which would carry the token to other hosts: set AllowAutoRedirect to false.", nameof(inner));
        _session = session;
        _onlyFor = onlyFor;
        _resource = resource;
    }

    internal static TokenHandler For(Session session, Uri onlyFor, string? resource, HttpMessageHandler? inner) =>
        new(session, onlyFor, resource, inner is null ? Backchannel.NewHandler() : new Borrowed(inner));

    /// <inheritdoc />
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        // Once another origin has had its say, it would choose what is asked with the token. Whoever set a header by hand meant another identity, wherever the request leads.
        var isOurs = IsOurs(request.RequestUri) && request.Headers.Authorization is null;
        var response = await SendOnceAsync(request, isOurs, cancellationToken);
        for (var followed = 0; followed < MaxRedirects && Target(request, response) is { } target; followed++)
        {
            response.Dispose();
            isOurs &= IsOurs(target);
            request = Copy(request, target);
            response = await SendOnceAsync(request, isOurs, cancellationToken);
        }
        return response;
    }

    /// <summary>Not supported: a token may have to be renewed first, and without it the request would go out in silence.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>Nothing.</returns>
    /// <exception cref="NotSupportedException">In any case.</exception>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException("A session's token is added to asynchronous calls alone: use SendAsync.");

    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, bool isOurs, CancellationToken cancel)
    {
        if (!isOurs) return await PassOnAsync(request, cancel);
        var session = await _session(cancel);
        var token = await session.TokenAsync(_resource, null, cancel);
        // It is written anew each time that it is sent, and what it is made of may be read but once.
        if (request.Content is JsonContent json) await json.LoadIntoBufferAsync(cancel);
        var (response, nonce) = await SendWithAsync(session, request, token, cancel);
        // RFC 9449 section 9: once, with a new proof, and only where the server gave what it asks for
        if (nonce is not null && Says(response, Answer.UseNonce) && IsRepeatable(request.Content))
        {
            response.Dispose();
            request = Copy(request, request.RequestUri!, request.Content);
            (response, _) = await SendWithAsync(session, request, token, cancel);
        }
        // RFC 9110 section 15.5.2: what was answered with 401 was not applied
        if (IsAboutToken(response) && IsRepeatable(request.Content) && session.CanReplace(token, _resource))
        {
            response.Dispose();
            (response, _) = await SendWithAsync(session, Copy(request, request.RequestUri!, request.Content), await session.ReplaceAsync(token, _resource, cancel), cancel);
        }
        if (PersonNeeded(session, response) is not { } needed) return response;
        response.Dispose();
        throw needed;
    }

    // A good token that is not enough: another one of the same sign-in would not be either.
    private static SignInRequiredException? PersonNeeded(Session session, HttpResponseMessage response)
    {
        foreach (var challenge in Challenge.Of(response))
        {
            // RFC 9470 section 3
            if (response.StatusCode == HttpStatusCode.Unauthorized && StepUp.Of(challenge, session.Stored) is { } stepUp) return new SignInRequiredException(stepUp);
            // RFC 6750 section 3.1; what was granted already is not what is missing
            if (response.StatusCode == HttpStatusCode.Forbidden && challenge is { Error: "insufficient_scope" } && Scope.TryParse(challenge["scope"], out var scope) && !scope.IsSubsetOf(session.Scope)) return new SignInRequiredException(scope);
        }
        return null;
    }

    private async Task<(HttpResponseMessage Response, string? Nonce)> SendWithAsync(Session session, HttpRequestMessage request, AccessToken token, CancellationToken cancel)
    {
        token.ApplyTo(request, session.Proofs);
        var address = request.RequestUri!;
        try
        {
            var response = await PassOnAsync(request, cancel);
            return (response, token.IsBound ? session.Proofs.Observe(address, response) : null);
        }
        finally
        {
            // What retries sends the same message again, with another token and another proof (RFC 9449 section 4.2: each has a jti of its own).
            request.Headers.Authorization = null;
            request.Headers.Remove(Dpop.HeaderName);
        }
    }

    // It comes bare where a connection ends in the moment in which it is made; who calls an API knows the other one.
    private async Task<HttpResponseMessage> PassOnAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            return await base.SendAsync(request, cancel);
        }
        catch (SocketException broken)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, broken.Message, broken);
        }
    }

    private bool IsOurs(Uri? address) => IsSameOrigin(address, _onlyFor);

    private static bool IsSameOrigin(Uri? one, Uri? other) => one is not null && other is not null && Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    // RFC 6750 section 3.1: invalid_token is what a new token may mend. Some say no reason at all, or not even that a token is wanted; a challenge for something else, or with another reason, is no matter of the token's age.
    private static bool IsAboutToken(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.Unauthorized) return false;
        if (response.Headers.WwwAuthenticate.Count == 0) return true;
        var challenges = Challenge.Of(response);
        return challenges.Any(challenge => challenge.Error == "invalid_token") || (challenges.Count > 0 && challenges.All(challenge => challenge.Error is null));
    }

    private static bool Says(HttpResponseMessage response, string error) => response.StatusCode == HttpStatusCode.Unauthorized && Challenge.Of(response).Any(challenge => challenge.Error == error);

    // Bodies that are in memory can be sent twice; a stream may be at its end.
    private static bool IsRepeatable(HttpContent? content) => content is null or ByteArrayContent or ReadOnlyMemoryContent or JsonContent;

    private static Uri? Target(HttpRequestMessage request, HttpResponseMessage response)
    {
        if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect)) return null;
        if ((request.Method != HttpMethod.Get && request.Method != HttpMethod.Head) || request.Content is not null) return null;
        if (response.Headers.Location is not { } location || !Uri.TryCreate(request.RequestUri!, location, out var target)) return null;
        var downgrade = request.RequestUri!.Scheme == Uri.UriSchemeHttps && target.Scheme != Uri.UriSchemeHttps;
        return !downgrade && target.Scheme is "https" or "http" ? target : null;
    }

    // Cookies or keys set by hand are for the origin that they were meant for; Authorization goes nowhere else, and a proof is for one request.
    private static HttpRequestMessage Copy(HttpRequestMessage request, Uri target, HttpContent? content = null)
    {
        var copy = new HttpRequestMessage(request.Method, target) { Version = request.Version, VersionPolicy = request.VersionPolicy, Content = content };
        foreach (var (name, values) in request.Headers)
            if (name is not ("Authorization" or Dpop.HeaderName or "Host") && (IsSameOrigin(request.RequestUri, target) || name is "Accept" or "Accept-Language" or "User-Agent")) copy.Headers.TryAddWithoutValidation(name, values);
        // What the program's own handlers and the platform's metrics know of the request.
        foreach (var (name, value) in request.Options) ((IDictionary<string, object?>)copy.Options)[name] = value;
        return copy;
    }

    // A handler that belongs to the caller outlives the HTTP clients made here.
    private sealed class Borrowed(HttpMessageHandler inner) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _invoker = new(inner, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _invoker.SendAsync(request, cancellationToken);
    }
}
