using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>Tokens as the server gave them, every member checked.</summary>
internal sealed record Tokens(string AccessToken, DateTimeOffset ExpiresAt, string? RefreshToken, Scope? Scope, string? IdToken)
{
    public override string ToString() => nameof(Tokens);
}

/// <summary>What the token endpoint said: tokens, or a refusal (RFC 6749 section 5).</summary>
internal readonly record struct TokenResult(Tokens? Tokens, OAuthError? Error)
{
    public override string ToString() => nameof(TokenResult);
}

/// <summary>Redeems codes and refresh tokens, and reads the answers strictly (RFC 6749 section 4.1.3, section 5 and section 6).</summary>
internal sealed class TokenEndpoint(ClientOptions options, Backchannel backchannel)
{
    private const string What = "the token answer";

    // What we assume where the server does not say; a token that ends sooner is found out by a 401.
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(3650);

    /// <summary>Redeems a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).</summary>
    public async Task<TokenResult> RedeemAsync(AuthorizationServer server, string code, AuthorizationRequest request, string? dpopKey, CancellationToken cancel)
    {
        var (granted, error) = await SendAsync(
            server,
            Parameters.Of(
                new("grant_type", "authorization_code"),
                new("code", code),
                new("redirect_uri", request.RedirectUri),
                new("code_verifier", request.Verifier.Reveal())),
            [code, request.Verifier.Reveal(), .. request.Secrets],
            dpopKey,
            options.Resource,
            cancel);
        return new TokenResult(granted is { } answer ? Read(answer, dpopKey is not null) : null, error);
    }

    /// <summary>
    /// Redeems a refresh token (RFC 6749 section 6). What is granted is not checked yet: <see cref="NewRefreshToken"/> comes first, since
    /// the old one is spent whatever <see cref="Read"/> finds.
    /// </summary>
    public Task<(JsonElement? Granted, OAuthError? Error)> RefreshAsync(AuthorizationServer server, string refreshToken, string? dpopKey, string? resource, CancellationToken cancel) =>
        SendAsync(server, Parameters.Of(new("grant_type", "refresh_token"), new("refresh_token", refreshToken)), [refreshToken], dpopKey, resource, cancel);

    /// <summary>Asks whether the person has decided (RFC 8628 section 3.4).</summary>
    public Task<(JsonElement? Granted, OAuthError? Error)> PollAsync(AuthorizationServer server, string deviceCode, string? dpopKey, CancellationToken cancel) =>
        SendAsync(server, Parameters.Of(new("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), new("device_code", deviceCode)), [deviceCode], dpopKey, options.Resource, cancel);

    /// <summary>The refresh token that goes on, if the answer brought a new one.</summary>
    /// <exception cref="ProtocolViolationException">It is malformed.</exception>
    public static string? NewRefreshToken(JsonElement granted) => Token(granted, "refresh_token");

    /// <summary>Checks every member of what was granted (RFC 6749 section 5.1).</summary>
    /// <param name="json">What was granted.</param>
    /// <param name="isBound">Whether a proof was sent, so that the access token must be bound to its key.</param>
    /// <exception cref="ProtocolViolationException">One of them is against the protocol.</exception>
    public Tokens Read(JsonElement json, bool isBound)
    {
        var now = options.TimeProvider.GetUtcNow();
        var accessToken = Token(json, "access_token") ?? throw Missing("access_token");
        // RFC 6749 section 7.1: a client does not use a token whose type it does not understand
        if (Text(json, "token_type") is not { } type) throw Missing("token_type");
        CheckType(type, isBound, accessToken);
        return new Tokens(accessToken, now + Lifetime(json), Token(json, "refresh_token"), GrantedScope(json), Token(json, "id_token"));
    }

    // RFC 9449 section 5: who sent a proof and gets a bearer token was not heard, or somebody took the proof away on the way
    private static void CheckType(string type, bool isBound, string accessToken)
    {
        if (type.Equals(isBound ? Dpop.Scheme : "Bearer", StringComparison.OrdinalIgnoreCase)) return;
        var came = $"its type is {ServerText.Shown(type, accessToken)}";
        throw isBound
            ? new ProtocolViolationException("token_not_bound", "an access token of type DPoP, bound to the key of the proof that was sent", came, "Do not use it: tell whoever runs the server, or say DpopUse.Never to sign in for bearer tokens.")
            : new ProtocolViolationException("token_type", "an access token of type Bearer", came);
    }

    private async Task<(JsonElement? Granted, OAuthError? Error)> SendAsync(AuthorizationServer server, Parameters grant, string[] secrets, string? dpopKey, string? resource, CancellationToken cancel)
    {
        var form = grant.With("client_id", options.ClientId);
        // RFC 8707 section 2.2: which of the APIs of the grant this access token is for
        if (resource is not null) form = form.With("resource", resource);
        var answer = await backchannel.PostAsync(What, server.Token, form, cancel, dpopKey);
        if (answer.MediaType is not "application/json") throw NotJson(answer);
        return answer.Status == System.Net.HttpStatusCode.OK ? (answer.Object(), null) : (null, Refusal(answer, secrets));
    }

    /// <summary>A proxy's or a portal's page, which says nothing about what was asked.</summary>
    public static AuthorizationServerUnavailableException NotJson(Answer answer) => new(
        "not_json",
        $"{answer.What} as application/json",
        $"status {(int)answer.Status} came as {ServerText.Shown(answer.MediaType)}",
        "Something else than the server seems to answer; check the network, then try again.",
        retryable: !answer.IsSuccess || answer.MediaType is "text/html");

    /// <summary>What the server refuses, of any of its endpoints that answer like this one (RFC 6749 section 5.2, RFC 9126 section 2.3, RFC 8628 section 3.2).</summary>
    public static OAuthError Refusal(Answer answer, string[] secrets)
    {
        var json = answer.Object();
        // RFC 6749 section 5.2
        return Text(json, "error") switch
        {
            // RFC 6749 section 4.1.2.1 has these two for /authorize; servers answer them here too, and they say nothing about what was sent.
            "server_error" or "temporarily_unavailable" => throw InTrouble(Text(json, "error")!, answer.What),
            { Length: > 0 } code => ServerText.Error(code, Text(json, "error_description"), secrets),
            _ => throw new ProtocolViolationException("malformed_refusal", $"an error code in a refusal as {answer.What} (RFC 6749 section 5.2)", "there is none"),
        };
    }

    private static AuthorizationServerUnavailableException InTrouble(string code, string what) =>
        new(code, $"an answer as {what}", $"the server said {code}", "Try again later.", nothingHappened: code == "temporarily_unavailable");

    // RFC 6750 section 2.1: visible ASCII, so that no token can break out of a header
    private static string? Token(JsonElement json, string name)
    {
        if (Text(json, name) is not { Length: > 0 } token) return null;
        if (token.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new ProtocolViolationException("malformed_token", $"{name} of visible ASCII", "it holds other characters");
        return token;
    }

    private static TimeSpan Lifetime(JsonElement json) => json.TrySeconds("expires_in", MaxLifetime, out var lifetime)
        ? lifetime ?? DefaultLifetime
        : throw new ProtocolViolationException("expires_in", "expires_in as a number of seconds above zero", "it is something else");

    // RFC 6749 section 3.3: a server may grant another scope than was asked for if it says which, and some always name more.
    private Scope? GrantedScope(JsonElement json)
    {
        if (Text(json, "scope") is not { } text) return null;
        if (!Scope.TryParseGranted(text, out var granted)) throw new ProtocolViolationException("malformed_scope", $"a scope of at most {Scope.MaxGranted} printable words", "it holds more, or other characters");
        if (granted.IsEmpty && !options.Scope.IsEmpty) throw new ProtocolViolationException("malformed_scope", "a scope of one word or more", "it is empty");
        if (!options.Scope.IsEmpty && !granted.IsSubsetOf(options.Scope))
            options.Emit(new ClientEvent.OtherScopeGranted(options.Scope.ToString(), ServerText.Shown(granted.ToString())));
        return granted;
    }

    // null means absent: some serializers write it (RFC 6749 has no null).
    private static string? Text(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : throw new ProtocolViolationException("malformed_token_answer", $"{name} as text", "it has another type");
    }

    private static ProtocolViolationException Missing(string name) => new("malformed_token_answer", $"{name} in the token answer (RFC 6749 section 5.1)", "there is none");
}
