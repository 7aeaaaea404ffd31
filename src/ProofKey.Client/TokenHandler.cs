using System.Net;
using System.Net.Http.Headers;

namespace ProofKey.Client;

/// <summary>
/// Adds a session's access token to requests for one origin and to no others (RFC 9700 section 4.9.1). Redirects of GET and HEAD are
/// followed, at most ten, and the token stays behind when one leads to another origin; other redirects are handed to the caller.
/// </summary>
public sealed class TokenHandler : DelegatingHandler
{
    private const int MaxRedirects = 10;

    private readonly Session _session;
    private readonly Uri _onlyFor;

    /// <summary>Makes a handler, for a program that builds its own HTTP clients.</summary>
    /// <param name="session">Whose access token is sent.</param>
    /// <param name="onlyFor">The one origin that gets it, https or loopback; a path in it has no meaning.</param>
    /// <param name="inner">What sends the requests; it must not follow redirects itself.</param>
    /// <exception cref="ArgumentException">The address is not absolute, or neither https nor loopback; or <paramref name="inner"/> follows redirects.</exception>
    public TokenHandler(Session session, Uri onlyFor, HttpMessageHandler inner)
        : base(inner)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(onlyFor);
        if (!onlyFor.IsAbsoluteUri || !Issuer.IsHttpsOrLoopback(onlyFor))
            throw new ArgumentException("An access token is sent over https, or over http to this machine only.", nameof(onlyFor));
        if (ClientOptions.FollowsRedirects(inner)) throw new ArgumentException("It must not follow redirects, which would carry the token to other hosts: set AllowAutoRedirect to false.", nameof(inner));
        _session = session;
        _onlyFor = onlyFor;
    }

    internal static TokenHandler For(Session session, Uri onlyFor, HttpMessageHandler? inner) =>
        new(session, onlyFor, inner is null ? Backchannel.NewHandler() : new Borrowed(inner));

    /// <inheritdoc />
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var response = await SendOnceAsync(request, cancellationToken);
        for (var followed = 0; followed < MaxRedirects && Target(request, response) is { } target; followed++)
        {
            response.Dispose();
            request = Copy(request, target);
            response = await SendOnceAsync(request, cancellationToken);
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

    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        // Whoever set a header by hand meant it, for this origin; it must not travel on either.
        if (!IsOurs(request.RequestUri) || request.Headers.Authorization is not null) return await base.SendAsync(request, cancel);
        var token = await _session.GetAccessTokenAsync(cancel: cancel);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Reveal());
        var response = await base.SendAsync(request, cancel);
        if (!IsRefusedToken(response) || request.Content is not null || !_session.CanReplace(token)) return response;
        response.Dispose();
        var again = Copy(request, request.RequestUri!);
        again.Headers.Authorization = new AuthenticationHeaderValue("Bearer", (await _session.ReplaceAsync(token, cancel)).Reveal());
        return await base.SendAsync(again, cancel);
    }

    private bool IsOurs(Uri? address) => address is not null && Uri.Compare(address, _onlyFor, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    // RFC 6750 section 3.1: the one answer that a new token may mend
    private static bool IsRefusedToken(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.Unauthorized
        && response.Headers.WwwAuthenticate.Any(challenge =>
            challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && challenge.Parameter?.Contains("invalid_token", StringComparison.Ordinal) == true);

    private static Uri? Target(HttpRequestMessage request, HttpResponseMessage response)
    {
        if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect)) return null;
        if ((request.Method != HttpMethod.Get && request.Method != HttpMethod.Head) || request.Content is not null) return null;
        if (response.Headers.Location is not { } location || !Uri.TryCreate(request.RequestUri!, location, out var target)) return null;
        var downgrade = request.RequestUri!.Scheme == Uri.UriSchemeHttps && target.Scheme != Uri.UriSchemeHttps;
        return !downgrade && target.Scheme is "https" or "http" ? target : null;
    }

    // Authorization, and cookies or keys set by hand, are for the origin that they were meant for.
    private HttpRequestMessage Copy(HttpRequestMessage request, Uri target)
    {
        var copy = new HttpRequestMessage(request.Method, target) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach (var (name, values) in request.Headers)
            if (name is not ("Authorization" or "Host") && (IsOurs(target) || name is "Accept" or "Accept-Language" or "User-Agent")) copy.Headers.TryAddWithoutValidation(name, values);
        return copy;
    }

    // A handler that belongs to the caller outlives the HTTP clients made here.
    private sealed class Borrowed(HttpMessageHandler inner) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _invoker = new(inner, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _invoker.SendAsync(request, cancellationToken);
    }
}
