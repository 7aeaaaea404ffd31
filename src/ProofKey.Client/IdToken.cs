using System.Globalization;
using System.Text;
using System.Text.Json;
using ProofKey.Client.Providers;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>What an ID token must agree with.</summary>
/// <param name="Nonce">The nonce of the request; <see langword="null"/> for a token that came with a refresh.</param>
/// <param name="Original">The claims of the first ID token, for a token that came with a refresh.</param>
/// <param name="AccessToken">The access token that came with it.</param>
/// <param name="Clock">The server's clock, to say what is wrong with a time.</param>
internal sealed record IdTokenContext(string? Nonce, JsonElement? Original, string AccessToken, ServerClock Clock)
{
    /// <summary>When the request was made, where it went through a browser: a person may take longer over its pages than a sign-in may be old.</summary>
    public DateTimeOffset? AskedAt { get; init; }

    /// <summary>What an API asked of the sign-in.</summary>
    public StepUp? StepUp { get; init; }

    public override string ToString() => nameof(IdTokenContext);
}

/// <summary>
/// The checks of OpenID Connect Core section 3.1.3.7, in its numbers. An ID token of ours exists only when all of them passed.
/// Steps 1 and 8 do not occur here: no encryption, no symmetric signatures. Of steps 3 and 4: a token that is for others beside this client is taken if its
/// <c>azp</c> is this client, since the server then gave it to us and to nobody else; that the others are trusted, which step 3 wants, no client can know.
/// </summary>
internal sealed class IdToken
{
    private const string Remedy = "Do not go on: sign in again, and if it happens again, tell whoever runs the server.";

    private const string ClockRemedy = "Set this machine's clock, then sign in again; if it is right, tell whoever runs the server.";

    /// <summary>How far two clocks may be apart.</summary>
    internal static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    private const int MaxDepth = 32;

    private IdToken(Jwt token) => Claims = token.Claims;

    /// <summary>All claims.</summary>
    public JsonElement Claims { get; }

    public static async Task<IdToken> ValidateAsync(
        string text, AuthorizationServer server, SigningKeys keys, ClientOptions options, IdTokenContext context, CancellationToken cancel)
    {
        var now = options.TimeProvider.GetUtcNow();
        var token = await VerifiedAsync(text, server, keys, options.ClientId, context.Clock, now, cancel);
        if (!HasIdentityType(token)) throw Refuse("type", "an ID token", "it is a token of another type");
        CheckParties(token, options.ClientId);
        CheckTimes(token, context.Clock, now);
        CheckSignIn(token, options, context);
        CheckBinding(token, context);
        return new IdToken(token);
    }

    // 2 issuer · 3 audience · 6 signature · 7 algorithm · 9 expiry
    private static async Task<Jwt> VerifiedAsync(
        string text, AuthorizationServer server, SigningKeys keys, string clientId, ServerClock clock, DateTimeOffset now, CancellationToken cancel)
    {
        if (!Jws.TryRead(text, out var unverified, out var malformed)) throw Refuse(JwtProblem.Malformed, "a signed JWT", AsClause(malformed));
        JwtResult Verify(JwkSet set) => server.Issuers.Only is { } issuer ? VerifyAs(issuer, text, set, clientId, now) : VerifyAsTenant(text, unverified, server.Issuers, set, clientId, now);
        var (set, fresh) = await keys.GetAsync(server.Keys!, again: false, cancel);
        var result = Verify(set);
        // A key that we do not know may be a new one: look once, not more (OpenID Connect Core section 10.1.1).
        if (result.Problem?.Code == JwtProblem.UnknownKey && !fresh)
        {
            (set, _) = await keys.GetAsync(server.Keys!, again: true, cancel);
            result = Verify(set);
        }
        // OpenID Connect Core section 10.1: with several keys, the token says which
        if (unverified.KeyId is null && set.Keys.Count > 1) throw Refuse(JwtProblem.UnknownKey, "an ID token that names its key", "it has no kid and the server has several keys");
        return result.TryGet(out var token, out var problem) ? token : throw Refuse(problem.Code, "an ID token that holds", AsClause(problem.Message) + ClockClause(problem.Code, clock));
    }

    private static JwtResult VerifyAs(string issuer, string text, JwkSet keys, string clientId, DateTimeOffset now) =>
        Jwt.Verify(text, keys, new JwtExpectations { Issuer = issuer, Audience = clientId, Types = [], ClockSkew = Skew }, now);

    // Which issuer it must name stands in the token itself, so one of the keys must have signed that; then it is checked like any other, with the keys of that issuer alone.
    private static JwtResult VerifyAsTenant(string text, UnverifiedJws unverified, IssuerRule issuers, JwkSet keys, string clientId, DateTimeOffset now)
    {
        if (!unverified.Verify(keys, SignatureAlgorithm.All, out var payload, out var problem)) return new JwtResult(problem);
        if (!StrictJson.TryParseObject(payload, MaxDepth, out var claims)) throw Refuse(JwtProblem.Malformed, "a signed JWT", "its payload is no JSON object without duplicate members");
        if (issuers.In(claims) is not { } issuer) throw Refuse(JwtProblem.Issuer, "an ID token with a GUID as tid, of the tenant that answered", "its tid is missing, another one, or no GUID");
        return VerifyAs(issuer, text, issuers.KeysOf(issuer, keys), clientId, now);
    }

    // A wrong clock is the usual reason, and the last one that people think of.
    private static string ClockClause(string code, ServerClock clock) => code is JwtProblem.Expired or JwtProblem.NotYetValid ? clock.Clause() : "";

    // RFC 8725 section 3.11: a token made for something else, such as an access token, is no ID token
    private static bool HasIdentityType(Jwt token) => token.Type is null || token.Type.Equals("JWT", StringComparison.OrdinalIgnoreCase);

    // 3 several audiences · 5 authorized party · and the subject (OpenID Connect Core section 2)
    private static void CheckParties(Jwt token, string clientId)
    {
        if (token.Subject is not { Length: >= 1 and <= 255 }) throw Refuse("subject", "a sub of 1 to 255 characters", "there is none");
        if (!token.Claims.TryGetProperty("azp", out _))
        {
            if (token.Audiences.Count > 1) throw Refuse("azp", "azp in an ID token for several audiences", "there is none");
        }
        else if (token.Text("azp") != clientId)
        {
            throw Refuse("azp", "an ID token issued to this client", "its azp names another");
        }
    }

    // 10 issued at
    private static void CheckTimes(Jwt token, ServerClock clock, DateTimeOffset now)
    {
        if (token.IssuedAt is not { } issuedAt) throw Refuse("iat", "iat in the ID token", "there is none");
        if (issuedAt > now + Skew) throw Refuse("iat", "an ID token of now", "it was issued in the future" + clock.Clause());
        if (issuedAt > token.ExpiresAt) throw Refuse("iat", "an ID token that ends after it begins", "it ends before");
    }

    // 12 authentication context · 13 authentication time (RFC 9470 section 4: what an API asked for must have come)
    private static void CheckSignIn(Jwt token, ClientOptions options, IdTokenContext context)
    {
        // OpenID Connect Core section 3.1.2.1: max_age re-authenticates the person, who is one in particular
        if (context.StepUp?.IsOf(token.Claims) == false)
            throw new ProtocolViolationException("id_token_subject", "the person whose sign-in was not enough", "somebody else signed in", "Sign in as the same person; to go on as another one, sign out first.");
        if (context.StepUp?.HasAcr(token.Claims) == false) throw Refuse("acr", "a sign-in of a kind that was asked for", $"its acr is {ServerText.Shown(token.Text("acr"))}");
        // At a refresh nobody signs in again (OpenID Connect Core section 12.2), and a device is not asked how old a sign-in may be.
        if (context.AskedAt is not { } askedAt || MaxAge(options, context.StepUp) is not { } maxAge) return;
        if (token.Number("auth_time") is not { } signedIn || askedAt.ToUnixTimeSeconds() - signedIn > maxAge + Skew.TotalSeconds)
            throw Refuse("auth_time", "a sign-in no older than max_age", "it is older, or not told" + context.Clock.Clause());
    }

    private static double? MaxAge(ClientOptions options, StepUp? stepUp) => stepUp?.MaxAge?.TotalSeconds
        ?? (options.AdditionalParameters.TryGetValue("max_age", out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var maxAge) ? maxAge : null);

    // 11 nonce · 3.1.3.6 access token hash · 12.2 the same person as before
    private static void CheckBinding(Jwt token, IdTokenContext context)
    {
        if (context.Nonce is { } nonce && !SameText(token.Text("nonce"), nonce)) throw Refuse("nonce", "an ID token for this sign-in", "it has no nonce or another one");
        if (token.Claims.TryGetProperty("at_hash", out _) && !SameText(token.Text("at_hash"), HashOf(context.AccessToken)))
            throw Refuse("at_hash", "an ID token for the access token beside it", "its at_hash belongs to another");
        if (context.Original is { } original) CheckSamePerson(token, original);
    }

    private static void CheckSamePerson(Jwt token, JsonElement original)
    {
        // OpenID Connect Core section 12.2: one sub at two issuers is two people
        if (token.Issuer != original.Text("iss")) throw Refuse(JwtProblem.Issuer, "the issuer of the first ID token", "the refreshed one is of another");
        if (token.Subject != original.Text("sub")) throw Refuse("subject", "the person who signed in", "the refreshed ID token is about another");
        if (token.Claims.TryGetProperty("nonce", out _) && token.Text("nonce") != original.Text("nonce"))
            throw Refuse("nonce", "no nonce or the first one in a refreshed ID token", "it has another one");
        if (token.Number("auth_time") is { } time && original.TryGetProperty("auth_time", out var first) && first.ValueKind == JsonValueKind.Number && first.TryGetInt64(out var firstTime) && time != firstTime)
            throw Refuse("auth_time", "the time of the first sign-in in a refreshed ID token", "it has another one");
        if (!SameAudience(token, original)) throw Refuse("audience", "the audience of the first ID token", "the refreshed one has another");
    }

    private static bool SameAudience(Jwt token, JsonElement original) => original.TryGetProperty("aud", out var audience)
        && (audience.ValueKind == JsonValueKind.Array ? audience.EnumerateArray().Select(one => one.GetString()) : [audience.GetString()])
            .ToHashSet(StringComparer.Ordinal).SetEquals(token.Audiences);

    private static bool SameText(string? left, string right) => left is not null && Secret.AreEqual(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));

    // OpenID Connect Core section 3.1.3.6: the left half of the digest that the signature uses, SHA-256 for all of ours
    private static string HashOf(string accessToken) => Base64UrlText.Encode(Secret.Digest(accessToken).AsSpan(0, Secret.DigestLength / 2));

    private static ProtocolViolationException Refuse(string code, string expected, string actual) =>
        new($"id_token_{code}", expected, actual, code is JwtProblem.Expired or JwtProblem.NotYetValid or "iat" ? ClockRemedy : Remedy);

    // "The token has ended." as the end of a longer sentence
    private static string AsClause(string sentence) => char.ToLowerInvariant(sentence[0]) + ServerText.Shown(sentence[1..]).TrimEnd('.');
}
