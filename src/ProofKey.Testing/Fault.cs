using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Testing;

/// <summary>Something that a server does wrong during a sign-in, and the code with which a client says so.</summary>
public sealed class Fault
{
    private const string Elsewhere = "https://login.evil.example";
    private const string Page = "<!doctype html><title>Service unavailable</title><p>Come back later.</p>";

    private Fault(string name, string code, Action<ScriptedServer> apply) => (Name, Code, Apply) = (name, code, apply);

    /// <summary>What it is called in tests.</summary>
    public string Name { get; }

    /// <summary>The <see cref="ProofKey.Client.ClientException.Code"/> that it must lead to, and never a session.</summary>
    public string Code { get; }

    internal Action<ScriptedServer> Apply { get; }

    /// <summary>The answer comes from another issuer than was asked (RFC 9207): a mix-up.</summary>
    public static Fault WrongIssuer { get; } = new("wrong iss", "issuer_mismatch", server => server.SpoilCallback = answer => Set(answer, "iss", Elsewhere));

    /// <summary>The answer does not say whom it is from, although the metadata promise it.</summary>
    public static Fault NoIssuer { get; } = new("no iss", "issuer_missing", server => server.SpoilCallback = answer => Set(answer, "iss", null));

    /// <summary>The metadata are those of another issuer.</summary>
    public static Fault WrongMetadataIssuer { get; } = new("wrong issuer in the metadata", "metadata_issuer", server => server.SpoilMetadata = metadata => metadata["issuer"] = Elsewhere);

    /// <summary>The metadata do not say that PKCE is supported.</summary>
    public static Fault NoPkce { get; } = new("no PKCE", "pkce_not_advertised", server => server.SpoilMetadata = metadata => metadata.Remove("code_challenge_methods_supported"));

    /// <summary>The metadata say that challenges are not hashed: a downgrade.</summary>
    public static Fault PlainPkce { get; } = new("plain PKCE", "pkce_without_s256", server => server.SpoilMetadata = metadata => metadata["code_challenge_methods_supported"] = new JsonArray("plain"));

    /// <summary>The ID token is for another sign-in.</summary>
    public static Fault WrongNonce { get; } = Claim("wrong nonce", "id_token_nonce", "nonce", "another");

    /// <summary>The ID token is for another client.</summary>
    public static Fault WrongAudience { get; } = Claim("wrong aud", "id_token_audience", "aud", "another");

    /// <summary>The ID token is another server's.</summary>
    public static Fault WrongIdTokenIssuer { get; } = Claim("wrong iss in the ID token", "id_token_issuer", "iss", Elsewhere);

    /// <summary>The ID token ended an hour ago.</summary>
    public static Fault ExpiredIdToken { get; } = new("expired ID token", "id_token_expired", server => server.SpoilIdToken = claims =>
    {
        claims["iat"] = claims["iat"]!.GetValue<long>() - 7200;
        claims["exp"] = claims["exp"]!.GetValue<long>() - 3900;
    });

    /// <summary>The ID token is not signed.</summary>
    public static Fault AlgorithmNone { get; } = new("alg none", "id_token_algorithm", server => server.SpoilIdTokenText = token => $"{Encoded("""{"alg":"none","typ":"JWT"}""")}.{token.Split('.')[1]}.");

    /// <summary>The signature of the ID token is not one of the published key.</summary>
    public static Fault ForgedSignature { get; } = new("forged signature", "id_token_signature", server => server.SpoilIdTokenText = token => $"{token[..^8]}AAAAAAAA");

    /// <summary>There is no ID token, although <c>openid</c> was asked for.</summary>
    public static Fault NoIdToken { get; } = new("no ID token", "id_token_missing", server => server.SpoilTokens = tokens => tokens.Remove("id_token"));

    /// <summary>The server's clock is 11 minutes ahead.</summary>
    public static Fault ClockAhead { get; } = new("clock 11 minutes ahead", "id_token_iat", server => server.ClockAhead = TimeSpan.FromMinutes(11));

    /// <summary>The token endpoint answers 503 with a page.</summary>
    public static Fault Unavailable { get; } = new("503 with a page", "server_status", server => server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, 503, Page, "text/html"));

    /// <summary>The token endpoint answers 200 with a page, as a hotel's portal does.</summary>
    public static Fault Portal { get; } = new("200 with a page", "not_json", server => server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, 200, Page, "text/html"));

    /// <summary>The token endpoint never answers; the request ends after <see cref="ProofKey.Client.ClientOptions.RequestTimeout"/>.</summary>
    public static Fault NoAnswer { get; } = new("no answer", "timeout", server => server.Instead["/token"] = context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));

    /// <summary>The token endpoint resets the connection before it does anything, as a server does that goes away.</summary>
    public static Fault Reset { get; } = new("connection reset", "no_connection", server => server.Instead["/token"] = context =>
    {
        context.Abort();
        return Task.CompletedTask;
    });

    /// <summary>
    /// The connection goes away as a request for tokens is sent on it: it is read, not looked at, and never answered. Over HTTP/1.1 the connection is closed without a byte, as a server does with
    /// one that lay in a pool for too long; over HTTP/2 there is a GOAWAY, and the stream is reset. The client cannot know that nothing was done.
    /// </summary>
    public static Fault GoAway { get; } = new("connection goes away", "no_connection", server => server.Instead["/token"] = ScriptedServer.GoAwayAsync);

    /// <summary>The token endpoint does what it is asked, and its answer gets lost: a code is redeemed, a refresh token rotated.</summary>
    public static Fault LostAnswer { get; } = new("lost answer", "no_connection", server => server.LoseAnswers("/token"));

    /// <summary>The token endpoint stops in the middle of its answer.</summary>
    public static Fault HalfAnswer { get; } = new("half an answer", "no_connection", server => server.Instead["/token"] = async context =>
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = 1000;
        await context.Response.WriteAsync("{\"access_token\":");
        await context.Response.Body.FlushAsync();
        context.Abort();
    });

    /// <summary>The token endpoint sends the request, code and all, elsewhere.</summary>
    public static Fault Redirects { get; } = new("redirect", "redirect", server => server.Instead["/token"] = context =>
    {
        context.Response.StatusCode = 307;
        context.Response.Headers.Location = Elsewhere + "/token";
        return Task.CompletedTask;
    });

    /// <summary>The token endpoint's answer is too large.</summary>
    public static Fault TooLarge { get; } = new("too large", "too_large", server => server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, 200, new string(' ', 100_000) + "{}"));

    /// <summary>The token endpoint's answer has a member twice.</summary>
    public static Fault RepeatedMember { get; } = new("repeated member", "malformed_json", server => server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, 200, """{"access_token":"a","access_token":"b"}"""));

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        WrongIssuer, NoIssuer, WrongMetadataIssuer, NoPkce, PlainPkce, WrongNonce, WrongAudience, WrongIdTokenIssuer, ExpiredIdToken, AlgorithmNone, ForgedSignature, NoIdToken, ClockAhead,
        Unavailable, Portal, NoAnswer, Reset, GoAway, LostAnswer, HalfAnswer, Redirects, TooLarge, RepeatedMember,
    ];

    /// <summary>Its name.</summary>
    /// <returns><see cref="Name"/>.</returns>
    public override string ToString() => Name;

    private static Fault Claim(string name, string code, string claim, string value) => new(name, code, server => server.SpoilIdToken = claims => claims[claim] = value);

    private static void Set(List<KeyValuePair<string, string>> answer, string name, string? value)
    {
        answer.RemoveAll(pair => pair.Key == name);
        if (value is not null) answer.Add(new(name, value));
    }

    private static string Encoded(string text) => Base64UrlText.Encode(Encoding.UTF8.GetBytes(text));
}
