using System.Net;
using System.Text.Json;

namespace ProofKey.Client;

/// <summary>
/// What an API says about itself (RFC 9728): by what name it is known, and which authorization servers it takes tokens of. It exists only when
/// it was found where the API has it, and is about that very API. Nobody but the API vouches for the servers that it names: let the person see where they are about to sign in.
/// </summary>
public sealed class ProtectedResource
{
    private const string What = "the API's metadata";
    private const string WellKnown = "/.well-known/oauth-protected-resource";
    private const string Remedy = "Do not send it a token. Ask whoever runs the API which server to sign in at, and name it yourself.";
    private const int MaxServers = 20;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    private ProtectedResource(string resource, IReadOnlyList<Issuer> servers, Scope scopes, bool requiresDpop)
    {
        Resource = resource;
        AuthorizationServers = servers;
        ScopesSupported = scopes;
        RequiresDpop = requiresDpop;
    }

    /// <summary>Its name: the address that was asked for, and what goes into <see cref="ClientOptions.Resource"/>.</summary>
    public string Resource { get; }

    /// <summary>The servers whose tokens it takes, in its own order; one at least.</summary>
    public IReadOnlyList<Issuer> AuthorizationServers { get; }

    /// <summary>The scope values that it knows, as far as it says so; a program needs few of them.</summary>
    public Scope ScopesSupported { get; }

    /// <summary>Whether it takes tokens only that are bound to a key (RFC 9449).</summary>
    public bool RequiresDpop { get; }

    /// <summary>Reads the metadata of an API at the place that follows from its address (RFC 9728 section 3.1). No token is sent.</summary>
    /// <param name="resource">The API's address, https or loopback, as it names itself.</param>
    /// <param name="handler">What sends the request; it must not follow redirects, and is not disposed. Default: the platform's.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>What it says.</returns>
    /// <exception cref="ArgumentException">The address is not absolute, has a fragment, or is neither https nor loopback.</exception>
    /// <exception cref="ProtocolViolationException">There are no metadata, or they are about another API, or make no sense.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The API cannot be reached.</exception>
    public static Task<ProtectedResource> DiscoverAsync(Uri resource, HttpMessageHandler? handler = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(resource);
        if (!resource.IsAbsoluteUri || !Issuer.IsHttpsOrLoopback(resource) || resource.Fragment.Length > 0 || resource.UserInfo.Length > 0)
            throw new ArgumentException("An API's address is https, or http on this machine, without fragment.", nameof(resource));
        var path = resource.AbsolutePath == "/" ? "" : resource.AbsolutePath;
        return ReadAsync(resource, new Uri(resource.GetLeftPart(UriPartial.Authority) + WellKnown + path + resource.Query), handler, cancel);
    }

    /// <summary>
    /// Reads the metadata that an API points to in a refusal (RFC 9728 section 5.1): in <c>WWW-Authenticate</c>, as <c>resource_metadata</c>. Where it points to none, they are looked for
    /// at the place that follows from the address. No token is sent.
    /// </summary>
    /// <param name="refused">The answer, with its request.</param>
    /// <param name="handler">What sends the request; it must not follow redirects, and is not disposed. Default: the platform's.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>What it says.</returns>
    /// <exception cref="ArgumentException">The answer does not know its request, or that was neither over https nor to this machine.</exception>
    /// <exception cref="ProtocolViolationException">There are no metadata, or they are elsewhere, about another API, or make no sense.</exception>
    /// <exception cref="AuthorizationServerUnavailableException">The API cannot be reached.</exception>
    public static Task<ProtectedResource> DiscoverAsync(HttpResponseMessage refused, HttpMessageHandler? handler = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(refused);
        var resource = Asked(refused.RequestMessage?.RequestUri) ?? throw new ArgumentException("The answer does not know its request.", nameof(refused));
        return PlacesIn(refused) switch
        {
            [] => DiscoverAsync(resource, handler, cancel),
            [var one] => ReadAsync(resource, PlaceOf(resource, one), handler, cancel),
            _ => throw Malformed("one place of the API's metadata", "it names several"),
        };
    }

    /// <summary>Whether an answer points to metadata of the API.</summary>
    /// <param name="answer">The answer.</param>
    /// <returns>Whether it does; that they are good is not known yet.</returns>
    public static bool IsNamedIn(HttpResponseMessage answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return PlacesIn(answer).Count > 0;
    }

    /// <summary>Begins the options of a client that signs in for this API; add the scope, the store and what else it needs by <c>with</c>.</summary>
    /// <param name="clientId">The id under which the program is registered at the server.</param>
    /// <param name="server">Which of <see cref="AuthorizationServers"/>; default the first.</param>
    /// <returns>Options with issuer, client and resource; tokens are bound to a key where the API wants that.</returns>
    /// <exception cref="ArgumentException">The API does not name that server.</exception>
    public ClientOptions OptionsFor(string clientId, Issuer? server = null)
    {
        if (server is not null && !AuthorizationServers.Contains(server)) throw new ArgumentException($"{Resource} does not name this server.", nameof(server));
        return new ClientOptions { Issuer = server ?? AuthorizationServers[0], ClientId = clientId, Resource = Resource, Dpop = RequiresDpop ? DpopUse.Always : DpopUse.WhenAdvertised };
    }

    /// <summary>Makes an HTTP client that sends a session's token to this API, if the session is one for it: of a server that it names, signed in for it, and bound to a key where it wants that.</summary>
    /// <param name="session">The session.</param>
    /// <returns>The client, to be disposed by the caller; its base address is the API's.</returns>
    /// <exception cref="ProtocolViolationException">The session is not for this API; nothing was sent.</exception>
    public HttpClient CreateHttpClient(Session session)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (!AuthorizationServers.Contains(session.Issuer)) throw NotForIt($"a session of {string.Join(" or ", AuthorizationServers)}", $"this one is of {session.Issuer}");
        if (!session.Options.Resources.Contains(Resource)) throw NotForIt($"a session that was signed in for {Resource}", "this one was not");
        if (RequiresDpop && !session.IsBound) throw NotForIt("a session whose tokens are bound to a key", "this one has bearer tokens");
        return session.CreateHttpClient(new Uri(Resource), Resource);
    }

    /// <summary>Names the API.</summary>
    /// <returns>Its address.</returns>
    public override string ToString() => Resource;

    // RFC 9110 section 7.1: the fragment is no part of what was asked for
    private static Uri? Asked(Uri? address) => address is not { IsAbsoluteUri: true } ? null
        : address.Fragment.Length == 0 ? address
        : new Uri(address.OriginalString[..address.OriginalString.IndexOf('#', StringComparison.Ordinal)]);

    private static List<string> PlacesIn(HttpResponseMessage answer) => answer.StatusCode != HttpStatusCode.Unauthorized ? []
        : [.. Challenge.Of(answer).Select(challenge => challenge["resource_metadata"]).OfType<string>().Distinct(StringComparer.Ordinal)];

    // RFC 9728 section 7.3: a server of somebody else's cannot speak for this API
    private static Uri PlaceOf(Uri resource, string text)
    {
        var good = Uri.TryCreate(text, UriKind.Absolute, out var place) && place.UserInfo.Length == 0 && place.Fragment.Length == 0
            && Uri.Compare(place, resource, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;
        return good ? place! : throw Malformed($"the API's metadata at {resource.GetLeftPart(UriPartial.Authority)}", $"it names {ServerText.Shown(text)}");
    }

    private static async Task<ProtectedResource> ReadAsync(Uri resource, Uri place, HttpMessageHandler? handler, CancellationToken cancel)
    {
        if (!Issuer.IsHttpsOrLoopback(resource)) throw Malformed("an API over https", "this one is not");
        using var backchannel = new Backchannel(handler, RequestTimeout, TimeProvider.System);
        var answer = await backchannel.GetAsync(What, place, cancel);
        if (!answer.IsSuccess || !answer.IsJson)
            throw new ProtocolViolationException("no_resource_metadata", $"{What} at {ServerText.Shown(place.AbsoluteUri)}", $"the answer was {(int)answer.Status} {ServerText.Shown(answer.MediaType)}", Remedy);
        return Read(answer.Object(), resource);
    }

    private static ProtectedResource Read(JsonElement json, Uri resource)
    {
        var name = json.Text("resource") ?? throw Malformed("resource in the API's metadata (RFC 9728 section 2)", "there is none");
        // RFC 9728 section 3.3, section 6: identical to the address that was used, character by character, or none of it is used
        if (name != resource.OriginalString && name != resource.AbsoluteUri)
            throw new ProtocolViolationException(
                "resource_other", $"metadata of {resource.AbsoluteUri}", $"they are about {ServerText.Shown(name)}{Discovery.Difference(name, resource.AbsoluteUri)}",
                "If that is the API that you mean, ask for it by that very address; if it is somebody else's, do not go on.");
        return new ProtectedResource(name, Servers(json, resource), Scopes(json), json.TryGetProperty("dpop_bound_access_tokens_required", out var bound) && bound.ValueKind == JsonValueKind.True);
    }

    // RFC 9728 section 2: issuers; one that cannot be one, or that is on this machine while the API is not, is left out.
    private static List<Issuer> Servers(JsonElement json, Uri resource)
    {
        var servers = new List<Issuer>();
        foreach (var text in Texts(json, "authorization_servers").Take(MaxServers))
            if (Issuer.TryParse(text, out var issuer, out _) && (issuer.IsHttps || resource.Scheme != Uri.UriSchemeHttps) && !servers.Contains(issuer)) servers.Add(issuer);
        return servers.Count > 0 ? servers : throw new ProtocolViolationException("resource_server", "an authorization server that the API takes tokens of", "it names none that can be one", Remedy);
    }

    private static Scope Scopes(JsonElement json) => Scope.TryParse(string.Join(' ', Texts(json, "scopes_supported").Take(Scope.MaxCount)), out var scopes) ? scopes : Scope.None;

    private static IEnumerable<string> Texts(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return [];
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String)
            ? value.EnumerateArray().Select(one => one.GetString()!)
            : throw Malformed($"{name} in the API's metadata as a list of texts", "it is something else");
    }

    private static ProtocolViolationException Malformed(string expected, string actual) => new("resource_metadata", expected, actual, Remedy);

    private ProtocolViolationException NotForIt(string expected, string actual) =>
        new("resource_session", $"{expected}, for {Resource}", actual, "Sign in for this API, with the options that OptionsFor makes.");
}
