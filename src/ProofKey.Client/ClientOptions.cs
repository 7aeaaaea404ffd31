using System.Collections.Frozen;

namespace ProofKey.Client;

/// <summary>
/// Everything a <see cref="PublicClient"/> needs to know. There is no client secret, since a program in people's hands cannot keep one
/// (RFC 8252 section 8.5), and nothing that turns off PKCE, state, nonce, <c>iss</c> or the checks of the ID token.
/// </summary>
public sealed record ClientOptions
{
    // What the client itself says in its requests; nobody else may.
    internal static readonly FrozenSet<string> OwnParameters = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "response_type", "response_mode", "client_id", "client_secret", "client_assertion", "client_assertion_type", "redirect_uri", "scope", "state",
        "nonce", "dpop_jkt", "code_challenge", "code_challenge_method", "code_verifier", "code", "grant_type", "resource", "request", "request_uri", "refresh_token");

    /// <summary>The authorization server.</summary>
    public required Issuer Issuer { get; init; }

    /// <summary>The id under which this program is registered there.</summary>
    public required string ClientId { get; init; }

    /// <summary>What to ask for; default <c>openid</c>. Without <c>openid</c> there is no ID token and nothing is known about the person.</summary>
    public Scope Scope { get; init; } = Scope.Parse(Scope.OpenId);

    /// <summary>The API that the access token is for: an absolute address without fragment (RFC 8707 section 2). Default: the server decides.</summary>
    public string? Resource { get; init; }

    /// <summary>
    /// More APIs that the sign-in is for, for a server that grants several at once (RFC 8707 section 2). Each gets an access token of its own, by
    /// <see cref="Session.GetAccessTokenAsync(string, TimeSpan?, CancellationToken)"/>; this needs a refresh token, and <see cref="Resource"/>, which is the one that the first token is for.
    /// </summary>
    public IReadOnlyList<string> FurtherResources { get; init; } = [];

    /// <summary>
    /// Where the answer comes in; default <see cref="ProofKey.Client.Redirect.LoopbackAnyPort"/>. With <see cref="ProofKey.Client.Redirect.PrivateUse"/> and
    /// <see cref="ProofKey.Client.Redirect.ClaimedHttps"/> no listener is started, so <see cref="PublicClient.GetSessionAsync(CancellationToken)"/> cannot sign in: begin with
    /// <see cref="PublicClient.BeginAsync(SignInRoad, CancellationToken)"/> and hand what came to <see cref="PendingSignIn.CompleteAsync(Uri, CancellationToken)"/>.
    /// </summary>
    public Redirect Redirect { get; init; } = new Redirect.LoopbackAnyPort();

    /// <summary>How the answer travels back; default <see cref="ResponseMode.Automatic"/>.</summary>
    public ResponseMode ResponseMode { get; init; }

    /// <summary>Whether tokens are bound to a key of the session; default <see cref="DpopUse.WhenAdvertised"/>. The key is kept with the session.</summary>
    public DpopUse Dpop { get; init; }

    /// <summary>How long a person may take to sign in; default 5 minutes, more than zero and at most a day.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long one request to the server may take, answer included; default 30 seconds, more than zero and at most 10 minutes.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What sends the requests, for proxies and private certificate authorities; it must not follow redirects. It is not disposed.
    /// Default: the platform's, with the system's proxy settings.
    /// </summary>
    public HttpMessageHandler? HttpMessageHandler { get; init; }

    /// <summary>The clock; default the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Where the session is kept, encrypted, and shared safely between processes; for most programs <see cref="TokenStore.OfThisSystem"/>.
    /// Default: <see cref="TokenStore.InMemory"/>, the session ends with the program.
    /// </summary>
    public TokenStore Store { get; init; } = TokenStore.InMemory;

    /// <summary>
    /// Which of the store's sessions is meant: 1 to 100 printable characters; default <c>default</c>. A profile holds one session: give each client of a store its own, where they differ in
    /// server, client, scope or API. <see cref="PublicClient.GetSessionAsync(CancellationToken)"/> asks nobody while another server's or client's session is there (<see cref="TokenStoreState.OtherClient"/>);
    /// any other sign-in takes the place of what is there (<see cref="ClientEvent.SessionReplaced"/>).
    /// </summary>
    public string Profile { get; init; } = "default";

    /// <summary>Told what happens, for a log; it must not throw.</summary>
    public Action<ClientEvent>? OnEvent { get; init; }

    /// <summary>Opens the sign-in page and says whether it did. Default: the system's browser.</summary>
    public Func<Uri, CancellationToken, ValueTask<bool>>? OpenBrowser { get; init; }

    /// <summary>More parameters for the authorization request, such as <c>prompt</c> or <c>login_hint</c>; never the protocol's own.</summary>
    public IReadOnlyDictionary<string, string> AdditionalParameters { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>
    /// Goes on with a server whose metadata says nothing about PKCE, because you know that it enforces S256. S256 is sent all the same;
    /// a server that lists methods without S256 is refused in any case. Servers that are known to do so need it not. Default <see langword="false"/>.
    /// </summary>
    public bool AcceptUnadvertisedPkce { get; init; }

    // Servers with sessions elsewhere than in the store: of a program that keeps each profile in a store of its own.
    internal IReadOnlyList<SilentServer> SilentServers { get; init; } = [];

    // Where the program runs; a test says where.
    internal Surroundings Surroundings { get; init; } = Surroundings.OfThisProcess;

    internal void Emit(ClientEvent happened) => OnEvent?.Invoke(happened);

    /// <summary>Names the server and the client alone.</summary>
    /// <returns>A text without secrets.</returns>
    public override string ToString() => $"{ClientId} at {Issuer}";

    /// <summary>Everything that is wrong, at once, so that nobody mends it piece by piece; <see cref="PublicClient"/> refuses options that have problems.</summary>
    /// <returns>Sentences that say what is right, almost all beginning with the name of the option; none when all is well.</returns>
    public IEnumerable<string> Problems()
    {
        if (Issuer is null) yield return "Issuer is needed.";
        if (string.IsNullOrEmpty(ClientId) || ClientId.AsSpan().ContainsAnyExceptInRange(' ', '~')) yield return "ClientId is printable ASCII.";
        if (Scope is null) yield return "Scope is needed; Scope.None asks for nothing.";
        foreach (var problem in Redirect?.Problems() ?? ["Redirect is needed."]) yield return problem;
        if (Resource is not null && !IsResource(Resource)) yield return "Resource is an absolute address without fragment (RFC 8707 section 2).";
        if (FurtherResources?.All(IsResource) != true || FurtherResources.Append(Resource).Distinct().Count() != FurtherResources.Count + 1)
            yield return "FurtherResources are absolute addresses without fragment, each once (RFC 8707 section 2).";
        else if (FurtherResources.Count > 0 && Resource is null) yield return "FurtherResources need a Resource, which the first token is for.";
        if (Redirect?.Own is not null && ResponseMode == ResponseMode.FormPost)
            yield return "This Redirect cannot go with ResponseMode.FormPost: no browser posts to a private-use scheme, and nothing here takes a post in its place.";
        if (Store is null) yield return "Store is needed; TokenStore.InMemory keeps nothing.";
        if (Timeout <= TimeSpan.Zero || Timeout > TimeSpan.FromDays(1)) yield return "Timeout is more than zero and at most a day.";
        if (RequestTimeout <= TimeSpan.Zero || RequestTimeout > TimeSpan.FromMinutes(10)) yield return "RequestTimeout is more than zero and at most 10 minutes.";
        if (Profile is not { Length: >= 1 and <= 100 } || Profile.Any(char.IsControl)) yield return "Profile has 1 to 100 printable characters.";
        if (TimeProvider is null) yield return "TimeProvider is needed; TimeProvider.System is the clock of this machine.";
        if (AdditionalParameters?.Values.Any(value => value is null) != false) yield return "AdditionalParameters have a value each; an empty list of them asks for nothing more.";
        foreach (var name in AdditionalParameters?.Keys.Where(OwnParameters.Contains) ?? []) yield return $"AdditionalParameters cannot set {name}: the client does.";
        if (FollowsRedirects(HttpMessageHandler))
            yield return "HttpMessageHandler must not follow redirects, which would carry tokens to other hosts: set AllowAutoRedirect to false.";
    }

    /// <summary>All the APIs that a sign-in asks for.</summary>
    internal IEnumerable<string> Resources => Resource is null ? [] : FurtherResources.Prepend(Resource);

    // A path is an absolute address of a file to Linux and macOS.
    private static bool IsResource(string? text) => text is not ['/', ..] && Uri.TryCreate(text, UriKind.Absolute, out _) && !text.Contains('#', StringComparison.Ordinal);

    internal static bool FollowsRedirects(HttpMessageHandler? handler) => handler switch
    {
        SocketsHttpHandler sockets => sockets.AllowAutoRedirect,
        HttpClientHandler client => client.AllowAutoRedirect,
        DelegatingHandler { InnerHandler: { } inner } => FollowsRedirects(inner),
        _ => false,
    };
}
