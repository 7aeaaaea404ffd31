using System.Globalization;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>An authorization request that passed every rule. Nothing else can become a code.</summary>
internal sealed class AuthorizeRequest
{
    /// <summary>The most characters of a nonce.</summary>
    public const int MaxNonceLength = 128;

    // The order is the policy: a client is known before its address is believed, and an address before anything is sent to it.
    internal static readonly IReadOnlyList<Rule> Rules =
    [
        new("response mode is registered", ResponseModeIsRegistered),
        new("no parameter repeats", NoParameterRepeats),
        new("pushed where that is required", PushedWhereRequired),
        new("no request object", NoRequestObject),
        new("response type is code", ResponseTypeIsCode),
        new("code challenge is S256", ChallengeIsS256),
        new("scope is registered", ScopeIsRegistered),
        new("nonce fits", NonceFits),
        new("prompt is understood", PromptIsUnderstood),
        new("max_age is a number of seconds", MaxAgeIsSeconds),
        new("claims are understood", ClaimsAreUnderstood),
        new("resource is registered", ResourceIsRegistered),
        new("scope belongs to the resource", ScopeBelongsToResource),
        new("dpop_jkt is a thumbprint", KeyIsThumbprint),
    ];

    private readonly IReadOnlyList<RegisteredResource> _resources;

    private AuthorizeRequest(Parameters parameters, RegisteredClient client, RedirectUri registered, string redirectUri, IReadOnlyList<RegisteredResource> resources)
    {
        _resources = resources;
        Parameters = parameters;
        Client = client;
        RegisteredRedirectUri = registered;
        RedirectUri = redirectUri;
    }

    internal sealed record Rule(string Name, Func<AuthorizeRequest, OAuthError?> Check);

    /// <summary>All parameters as they came, without the step ticket.</summary>
    public Parameters Parameters { get; }

    /// <summary>The row that the parameters came from, when they did not come in the address.</summary>
    public PushedRequest? Pushed { get; private init; }

    /// <summary>What stands for the request in an address of ours: all of its parameters, or the reference alone (RFC 9126 section 4).</summary>
    public Parameters Query => Pushed?.Query ?? Parameters;

    public RegisteredClient Client { get; }

    public RedirectUri RegisteredRedirectUri { get; }

    /// <summary>The redirect URI as it was requested: on loopback its port is the client's choice.</summary>
    public string RedirectUri { get; }

    public CodeChallenge Challenge { get; private set; } = null!;

    public Scope Scope { get; private set; } = Scope.None;

    public string? Nonce { get; private set; }

    public string? Resource { get; private set; }

    /// <summary>The key that must redeem the code (RFC 9449 section 10); <see langword="null"/> when any may.</summary>
    public byte[]? DpopThumbprint { get; private set; }

    public Prompt Prompt { get; private set; }

    public TimeSpan? MaxAge { get; private set; }

    public string ResponseMode { get; private set; } = Storage.ResponseMode.Query;

    /// <summary>The claims asked for one by one, as far as the client may have them.</summary>
    public ClaimsRequest Claims { get; private set; } = ClaimsRequest.None;

    /// <summary>What the person is asked to agree to: the scope, and those that have the claims.</summary>
    public Scope AskedScope => Scope.Union(Claims.Scope);

    /// <summary>Whether a code for what was agreed to would grant anything, where something was asked for: no token answer can say that nothing was granted.</summary>
    public bool IsWorth(Scope agreed) => Scope.IsEmpty || !Scope.Intersect(agreed).IsEmpty;

    public string? LoginHint => Parameters["login_hint"];

    public string? IdTokenHint => Parameters["id_token_hint"];

    /// <summary>How far the sign-in is to be trusted, as the client wishes, any of these.</summary>
    public IReadOnlyList<string> AcrValues => Parameters["acr_values"]?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The same as a demand: without one of these the client wants no code; none is no demand.</summary>
    public IReadOnlyList<string> EssentialAcr { get; internal set; } = [];

    /// <summary>Which request this is: any changed parameter makes another one, and so does another reference, or another address where none was sent.</summary>
    public byte[] Digest() => Secret.Digest($"{RedirectUri} {Pushed?.Reference}?{Parameters.ToQuery()}");

    // Whether the client or the server wants requests pushed, and this one was not.
    private bool LacksPush { get; init; }

    /// <summary>Applies the rules.</summary>
    /// <param name="parameters">What was sent, without the step ticket.</param>
    /// <param name="client">The client of the <c>client_id</c> that was sent, if there is one.</param>
    /// <param name="resources">The registered APIs; needed only when the request is about one (<see cref="ResourceIndicator.IsAboutApi"/>).</param>
    /// <param name="pushed">The row that the parameters came from, if they did.</param>
    /// <param name="lacksPush">Whether the request had to be pushed, and was not.</param>
    /// <returns>Shown (no address to trust), redirected (all other errors) or valid.</returns>
    // RFC 6749 section 4.1.2.1: without a known client and a registered redirect URI, tell the person, and never redirect
    public static AuthorizeOutcome Parse(
        Parameters parameters, RegisteredClient? client, IReadOnlyList<RegisteredResource> resources, PushedRequest? pushed = null, bool lacksPush = false)
    {
        if (parameters.IsDuplicated("client_id") || parameters["client_id"] is null)
            return new AuthorizeOutcome.Shown(OAuthError.InvalidRequest("The request must name one client in client_id."));
        if (client is null)
            return new AuthorizeOutcome.Shown(OAuthError.InvalidRequest("The client_id is not known here: register the client, or correct the id."));
        if (parameters.IsDuplicated("redirect_uri"))
            return new AuthorizeOutcome.Shown(OAuthError.InvalidRequest("The request must have one redirect_uri."));
        if (RequestedRedirectUri(parameters, client) is not { } redirectUri)
            return new AuthorizeOutcome.Shown(OAuthError.InvalidRequest("The request must name a redirect_uri that is registered for the client."));
        // RFC 9700 section 2.1: exact string comparison; only a loopback port may differ
        if (client.Match(redirectUri) is not { } registered)
            return new AuthorizeOutcome.Shown(OAuthError.InvalidRequest("The redirect_uri is not registered for this client: register it exactly as it is sent."));

        var request = new AuthorizeRequest(parameters, client, registered, redirectUri, resources) { ResponseMode = client.ResponseModes[0], Pushed = pushed, LacksPush = lacksPush };
        foreach (var rule in Rules)
            if (rule.Check(request) is { } error) return new AuthorizeOutcome.Redirected(request, error);
        return new AuthorizeOutcome.Valid(request);
    }

    // RFC 6749 section 3.1.2.3: it may be left out with one registered; OpenID Connect Core section 3.1.2.1 requires it
    private static string? RequestedRedirectUri(Parameters parameters, RegisteredClient client)
    {
        if (parameters["redirect_uri"] is { } requested) return requested;
        var asksForIdToken = Scope.TryParse(parameters["scope"], out var scope) && scope.Contains(Scope.OpenId);
        return client.RedirectUris.Count == 1 && !asksForIdToken ? client.RedirectUris[0].Value : null;
    }

    // Before all other rules, so that what they say travels in the mode that was asked for. Of two modes neither counts.
    private static OAuthError? ResponseModeIsRegistered(AuthorizeRequest request)
    {
        if (request.Parameters["response_mode"] is not { } mode || request.Parameters.IsDuplicated("response_mode")) return null;
        if (!request.Client.ResponseModes.Contains(mode)) return OAuthError.InvalidRequest("The response_mode is not registered for this client.");
        if (mode == Storage.ResponseMode.FormPost && request.RegisteredRedirectUri.Kind == RedirectUriKind.PrivateUse)
            return OAuthError.InvalidRequest("No browser posts to an address of a private-use scheme; ask for response_mode=query.");
        request.ResponseMode = mode;
        return null;
    }

    // RFC 6749 section 3.1, RFC 8707 section 2: only resource may be sent more than once
    private static OAuthError? NoParameterRepeats(AuthorizeRequest request) => request.Parameters.Duplicate("resource") is null
        ? null
        : OAuthError.InvalidRequest("A parameter was sent more than once; send each one once.");

    // RFC 9126 section 5, section 6
    private static OAuthError? PushedWhereRequired(AuthorizeRequest request) => request.LacksPush
        ? OAuthError.InvalidRequest("This request must be pushed first: send it to the pushed_authorization_request_endpoint, and come here with client_id and request_uri.")
        : null;

    // OpenID Connect Core section 3.1.2.6; RFC 9101 section 10.4: an address that somebody sends is never fetched
    private static OAuthError? NoRequestObject(AuthorizeRequest request) =>
        request.Parameters["request"] is not null ? new OAuthError("request_not_supported", "Send the parameters themselves instead of a request object.")
        : request.Parameters["request_uri"] is not null ? new OAuthError("request_uri_not_supported", "Send the parameters themselves instead of a request_uri.")
        : request.Parameters["registration"] is not null ? new OAuthError("registration_not_supported", "Register the client with the server instead.")
        : null;

    // RFC 9700 section 2.1.2: no token ever travels in an address
    private static OAuthError? ResponseTypeIsCode(AuthorizeRequest request) => request.Parameters["response_type"] switch
    {
        "code" => null,
        null => OAuthError.InvalidRequest("The request must have response_type=code."),
        _ => OAuthError.UnsupportedResponseType("The one response_type here is code."),
    };

    // RFC 7636 section 4.4.1, RFC 9700 section 2.1.1: no challenge, no code; the method must be said, since its default would be plain
    private static OAuthError? ChallengeIsS256(AuthorizeRequest request)
    {
        if (request.Parameters["code_challenge"] is not { } text)
            return OAuthError.InvalidRequest("The request must have a code_challenge (PKCE): the base64url SHA-256 of the code_verifier.");
        // RFC 7636 section 4.3: the value is case-sensitive
        if (request.Parameters["code_challenge_method"] is not CodeChallenge.Method)
            return OAuthError.InvalidRequest("The request must have code_challenge_method=S256; plain is not accepted, and leaving it out means plain.");
        // RFC 7636 section 4.2
        if (!CodeChallenge.TryParse(text, out var challenge))
            return OAuthError.InvalidRequest("The code_challenge must have 43 base64url characters without padding: the SHA-256 digest itself, not its hexadecimal form.");
        request.Challenge = challenge;
        return null;
    }

    // RFC 6749 section 3.3
    private static OAuthError? ScopeIsRegistered(AuthorizeRequest request)
    {
        if (!Scope.TryParse(request.Parameters["scope"], out var scope)) return OAuthError.InvalidScope("The scope has characters that no scope can have, or too many values.");
        if (!scope.IsSubsetOf(request.Client.Scope)) return OAuthError.InvalidScope("The scope has a value that this client is not registered for.");
        request.Scope = scope;
        return null;
    }

    private static OAuthError? NonceFits(AuthorizeRequest request)
    {
        request.Nonce = request.Parameters["nonce"];
        return request.Nonce is { Length: > MaxNonceLength } ? OAuthError.InvalidRequest("The nonce has more than 128 characters.") : null;
    }

    // OpenID Connect Core section 3.1.2.1: none stands alone
    private static OAuthError? PromptIsUnderstood(AuthorizeRequest request)
    {
        if (!Scope.TryParse(request.Parameters["prompt"], out var values)) return OAuthError.InvalidRequest("The prompt is malformed.");
        foreach (var value in values.Values)
        {
            Prompt? prompt = value switch { "none" => Prompt.None, "login" => Prompt.Login, "consent" => Prompt.Consent, "select_account" => Prompt.SelectAccount, _ => null };
            if (prompt is null) return OAuthError.InvalidRequest("The prompt has a value other than none, login, consent and select_account.");
            request.Prompt |= prompt.Value;
        }
        return request.Prompt.HasFlag(Prompt.None) && request.Prompt != Prompt.None ? OAuthError.InvalidRequest("The prompt none cannot be combined with another.") : null;
    }

    private static OAuthError? MaxAgeIsSeconds(AuthorizeRequest request)
    {
        if (request.Parameters["max_age"] is not { } text) return null;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return OAuthError.InvalidRequest("The max_age must be a number of seconds, 0 or more.");
        request.MaxAge = TimeSpan.FromSeconds(seconds);
        return null;
    }

    // OpenID Connect Core section 5.5: claims of a scope that the client is not registered for are not released, and the rest is
    private static OAuthError? ClaimsAreUnderstood(AuthorizeRequest request)
    {
        if (request.Parameters["claims"] is not { } text) return null;
        if (!ClaimsRequest.TryParse(text, out var claims))
            return OAuthError.InvalidRequest("The claims must be a JSON object of at most 4096 bytes with the members userinfo and id_token, each an object of claims with null or essential, value and values; a sub names one person.");
        request.Claims = claims.Within(request.Client.Scope);
        request.EssentialAcr = claims.EssentialAcr;
        return null;
    }

    private static OAuthError? ResourceIsRegistered(AuthorizeRequest request)
    {
        request.Resource = request.Parameters["resource"];
        return ResourceIndicator.Problem(request.Parameters.All("resource"), request.Client, request._resources);
    }

    private static OAuthError? ScopeBelongsToResource(AuthorizeRequest request) =>
        ResourceIndicator.ScopeProblem(request.Scope, request.Resource ?? request.Client.Audience, request._resources);

    // RFC 9449 section 10: the SHA-256 thumbprint of the key (RFC 7638)
    private static OAuthError? KeyIsThumbprint(AuthorizeRequest request)
    {
        if (request.Parameters["dpop_jkt"] is not { } text) return null;
        var thumbprint = new byte[Secret.DigestLength];
        if (!Base64UrlText.TryDecodeExactly(text, thumbprint)) return OAuthError.InvalidRequest("The dpop_jkt must have 43 base64url characters: the SHA-256 thumbprint of the DPoP key.");
        request.DpopThumbprint = thumbprint;
        return null;
    }
}

/// <summary>What the client wants of the person (OpenID Connect Core section 3.1.2.1).</summary>
[Flags]
internal enum Prompt
{
    Unset = 0,
    None = 1,
    Login = 2,
    Consent = 4,
    SelectAccount = 8,
}

/// <summary>What an authorization request is worth.</summary>
internal abstract record AuthorizeOutcome
{
    private AuthorizeOutcome()
    {
    }

    /// <summary>There is no address to be trusted: the error is shown to the person.</summary>
    internal sealed record Shown(OAuthError Error) : AuthorizeOutcome;

    /// <summary>The client is told, at its own registered address.</summary>
    internal sealed record Redirected(AuthorizeRequest Request, OAuthError Error) : AuthorizeOutcome;

    /// <summary>Every rule passed.</summary>
    internal sealed record Valid(AuthorizeRequest Request) : AuthorizeOutcome;
}
