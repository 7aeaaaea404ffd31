using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ProofKey.Client;
using ProofKey.Jose;

namespace ProofKey.Testing;

/// <summary>
/// An authorization server on loopback that answers right until a switch is thrown. It checks the verifier, rotates refresh tokens without any leeway and
/// revokes the grant when one comes twice, so a client that spends a token twice is found out. It knows one client and asks nobody: the client's id, its
/// registered redirect URIs and the rest of the request are not checked.
/// </summary>
public sealed partial class ScriptedServer : IAsyncDisposable
{
    /// <summary>The id of the one client.</summary>
    public const string ClientId = "cli";

    private readonly WebApplication _app;
    private readonly OpenConnections _open;
    private readonly ConcurrentDictionary<string, Request> _codes = new();
    private sealed record Request(string? Nonce, string Challenge, string RedirectUri, string Scope, string? Thumbprint);

    private ScriptedServer(WebApplication app, OpenConnections open) => (_app, _open) = (app, open);

    /// <summary>Its address, <c>http://127.0.0.1:{port}</c>.</summary>
    public Issuer Issuer { get; private set; } = null!;

    /// <summary>What signs ID tokens.</summary>
    public SigningKey Key { get; set; } = SigningKey.New(SignatureAlgorithm.ES256);

    /// <summary>What /jwks publishes; by default the one key.</summary>
    public Func<byte[]>? Keys { get; set; }

    /// <summary>Gets the right metadata and may spoil it.</summary>
    public Action<JsonObject>? SpoilMetadata { get; set; }

    /// <summary>Gets the parameters that are sent back through the browser and may spoil them.</summary>
    public Action<List<KeyValuePair<string, string>>>? SpoilCallback { get; set; }

    /// <summary>Gets a token answer and may spoil it.</summary>
    public Action<JsonObject>? SpoilTokens { get; set; }

    /// <summary>Gets the claims of an ID token before they are signed, and may spoil them.</summary>
    public Action<JsonObject>? SpoilIdToken { get; set; }

    /// <summary>Gets an ID token as it is sent, and gives another one.</summary>
    public Func<string, string>? SpoilIdTokenText { get; set; }

    /// <summary>Gets the claims of the userinfo endpoint and may spoil them.</summary>
    public Action<JsonObject>? SpoilUserInfo { get; set; }

    /// <summary>Answers in the place of the server at a path.</summary>
    public ConcurrentDictionary<string, RequestDelegate> Instead { get; } = new();

    /// <summary>The error that /authorize answers with, if any.</summary>
    public string? AuthorizeError { get; set; }

    /// <summary>What /authorize says to a request for <c>form_post</c>, if it does not do it.</summary>
    public string? FormPostError { get; set; }

    /// <summary>Whether an answer that was asked for as a form comes as one.</summary>
    public bool Posts { get; set; } = true;

    /// <summary>The <c>typ</c> in the header of ID tokens.</summary>
    public string? IdTokenType { get; set; } = "JWT";

    /// <summary>How long an access token lasts.</summary>
    public int AccessTokenSeconds { get; set; } = 600;

    /// <summary>Whether there are refresh tokens.</summary>
    public bool GivesRefreshTokens { get; set; } = true;

    /// <summary>The time here and at the clients that are made with <see cref="Options"/>.</summary>
    public ShiftedTime Time { get; } = new();

    /// <summary>Who signs in.</summary>
    public string Subject { get; set; } = "alice";

    /// <summary>The authorization requests that came in.</summary>
    public ConcurrentQueue<Parameters> AuthorizeRequests { get; } = new();

    /// <summary>The forms that came to the token endpoint.</summary>
    public ConcurrentQueue<IReadOnlyDictionary<string, string>> TokenRequests { get; } = new();

    /// <summary>The forms that came to the revocation endpoint.</summary>
    public ConcurrentQueue<IReadOnlyDictionary<string, string>> Revocations { get; } = new();

    /// <summary>The path of each request, in order.</summary>
    public ConcurrentQueue<string> Paths { get; } = new();

    /// <summary>How many requests there were for a path.</summary>
    /// <param name="path">Such as <c>/token</c>.</param>
    /// <returns>The number.</returns>
    public int Count(string path) => Paths.Count(one => one == path);

    /// <summary>Starts a server on a free port.</summary>
    /// <param name="certificate">The certificate of a server that speaks TLS.</param>
    /// <returns>The server, to be disposed by the caller.</returns>
    public static async Task<ScriptedServer> StartAsync(X509Certificate2? certificate = null)
    {
        // Nothing of the machine or of the folder that the tests run in: no variables, no appsettings.json.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        var open = new OpenConnections();
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Use(open.WatchAsync);
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        var server = new ScriptedServer(app, open);
        app.Use(server.InsteadAsync);
        app.MapGet("/.well-known/openid-configuration", server.MetadataAsync);
        app.MapGet("/.well-known/oauth-authorization-server", server.MetadataAsync);
        app.MapGet("/jwks", server.JwksAsync);
        app.MapGet("/authorize", server.AuthorizeAsync);
        app.MapPost("/token", server.TokenAsync);
        app.MapPost("/par", server.PushAsync);
        app.MapPost("/device_authorization", server.DeviceAsync);
        app.MapGet("/userinfo", server.UserInfoAsync);
        app.MapPost("/revoke", server.RevokeAsync);
        app.MapMethods("/api/bound/{**rest}", ["GET", "POST"], server.BoundApiAsync);
        app.MapGet("/api/me", (HttpContext context) => context.Response.WriteAsync(context.Request.Headers.Authorization.ToString()));
        await app.StartAsync();
        server.Issuer = Issuer.Parse(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return server;
    }

    /// <summary>Options of a client of this server.</summary>
    /// <param name="browser">Who signs in; without one, nobody does.</param>
    /// <returns>The options, to be changed by <c>with</c>.</returns>
    public ClientOptions Options(TestBrowser? browser = null) => new()
    {
        Issuer = Issuer,
        ClientId = ClientId,
        Scope = Scope.Parse("openid profile"),
        OpenBrowser = browser is null ? (_, _) => ValueTask.FromResult(true) : browser.OpenAsync,
        Timeout = TimeSpan.FromSeconds(30),
        TimeProvider = Time,
        OnEvent = Overheard is { } overheard ? happened => overheard.Said("event", happened) : null,
    };

    /// <summary>An address at this server.</summary>
    /// <param name="path">Such as <c>/api/me</c>.</param>
    /// <returns>The address.</returns>
    public Uri At(string path) => new(Issuer.Endpoint(path));

    /// <summary>Stops.</summary>
    /// <returns>A task that is done when it has happened.</returns>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Key.Dispose();
    }

    /// <summary>Answers with a text.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The status.</param>
    /// <param name="json">The text.</param>
    /// <param name="type">Its media type.</param>
    /// <returns>A task that is done when it is sent.</returns>
    public static Task JsonAsync(HttpContext context, int status, string json, string type = "application/json")
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(json);
    }

    /// <summary>Answers with an OAuth error (RFC 6749 section 5.2).</summary>
    /// <param name="context">The request.</param>
    /// <param name="code">The error.</param>
    /// <param name="status">The status.</param>
    /// <returns>A task that is done when it is sent.</returns>
    public static Task ErrorAsync(HttpContext context, string code, int status = 400) => JsonAsync(context, status, $$"""{"error":"{{code}}"}""");

    /// <summary>The metadata that name an address of this server.</summary>
    /// <returns>Name and address.</returns>
    public Dictionary<string, object> MetadataMembers() => new()
    {
        ["issuer"] = Issuer.Value,
        ["authorization_endpoint"] = Issuer.Endpoint("/authorize"),
        ["token_endpoint"] = Issuer.Endpoint("/token"),
        ["jwks_uri"] = Issuer.Endpoint("/jwks"),
        ["userinfo_endpoint"] = Issuer.Endpoint("/userinfo"),
        ["revocation_endpoint"] = Issuer.Endpoint("/revoke"),
        ["device_authorization_endpoint"] = Issuer.Endpoint("/device_authorization"),
    };

    private async Task InsteadAsync(HttpContext context, RequestDelegate next)
    {
        Paths.Enqueue(context.Request.Path);
        context.Response.Headers.Date = Now.ToString("R", CultureInfo.InvariantCulture);
        await RememberIncomingAsync(context);
        var answer = Instead.GetValueOrDefault(context.Request.Path.Value ?? "", next);
        await (IsLost(context.Request.Path) ? LoseAsync(context, answer) : answer(context));
    }

    private Task MetadataAsync(HttpContext context)
    {
        var metadata = new JsonObject
        {
            ["response_types_supported"] = new JsonArray("code"),
            ["response_modes_supported"] = new JsonArray("query", "form_post"),
            ["code_challenge_methods_supported"] = new JsonArray("S256"),
            ["authorization_response_iss_parameter_supported"] = true,
        };
        foreach (var (name, value) in MetadataMembers()) metadata[name] = JsonValue.Create((string)value);
        if (Binds) metadata["dpop_signing_alg_values_supported"] = new JsonArray("ES256");
        if (TakesPushed) metadata["pushed_authorization_request_endpoint"] = Issuer.Endpoint("/par");
        SpoilMetadata?.Invoke(metadata);
        return JsonAsync(context, 200, metadata.ToJsonString());
    }

    private Task JwksAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.Body.WriteAsync(Keys?.Invoke() ?? new JwkSet([Key.PublicKey]).ToJson()).AsTask();
    }

    private Task AuthorizeAsync(HttpContext context)
    {
        if (!Parameters.TryParse(context.Request.QueryString.Value.AsSpan().TrimStart('?'), out var request, out _)) return ErrorAsync(context, "invalid_request");
        AuthorizeRequests.Enqueue(request);
        if (request["request_uri"] is { } reference) request = _pushed[reference];
        var code = Remember(Secret.NewText());
        _codes[code] = new Request(request["nonce"], request["code_challenge"]!, request["redirect_uri"]!, request["scope"] ?? "", request["dpop_jkt"]);
        List<KeyValuePair<string, string>> answer =
            [ErrorFor(context) is { } refused ? new("error", refused) : new("code", code), new("state", request["state"]!), new("iss", Issuer.Value)];
        SpoilCallback?.Invoke(answer);
        var asked = request["response_mode"] == "form_post";
        if (asked && FormPostError is { } error) answer = [new("error", "invalid_request"), new("error_description", error), new("state", request["state"]!), new("iss", Issuer.Value)];
        else if (asked && Posts) return PostAsync(context, request["redirect_uri"]!, answer);
        context.Response.StatusCode = 302;
        context.Response.Headers.Location = RedirectUri.Append(request["redirect_uri"]!, Parameters.Of(answer));
        return Task.CompletedTask;
    }

    private static Task PostAsync(HttpContext context, string action, List<KeyValuePair<string, string>> answer)
    {
        context.Response.ContentType = "text/html";
        var fields = string.Concat(answer.Select(pair => $"""<input type="hidden" name="{pair.Key}" value="{WebUtility.HtmlEncode(pair.Value)}">"""));
        return context.Response.WriteAsync($"""<form method="post" action="{action}">{fields}</form>""");
    }

    private async Task TokenAsync(HttpContext context)
    {
        var form = (await context.Request.ReadFormAsync()).ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        TokenRequests.Enqueue(form);
        context.Response.Headers.CacheControl = "no-store";
        if (!ProofIsGood(context, out var error))
        {
            await ErrorAsync(context, error.Code);
            return;
        }
        await (form.GetValueOrDefault("grant_type") switch
        {
            "authorization_code" => RedeemAsync(context, form),
            "refresh_token" => RefreshAsync(context, form["refresh_token"]),
            DeviceGrant => DevicePollAsync(context, form.GetValueOrDefault("device_code")),
            _ => ErrorAsync(context, "unsupported_grant_type"),
        });
    }

    private Task RedeemAsync(HttpContext context, Dictionary<string, string> form)
    {
        var good = _codes.TryRemove(form["code"], out var request)
            && request.RedirectUri == form["redirect_uri"]
            && CodeVerifier.TryParse(form["code_verifier"], out var verifier)
            && verifier.Challenge.ToString() == request.Challenge
            && (request.Thumbprint is null || request.Thumbprint == ThumbprintIn(context));
        if (!good) return ErrorAsync(context, "invalid_grant");
        return TokensAsync(context, NewGrant(context, request!.Scope), request.Nonce);
    }

    private string IdToken(string? nonce, string accessToken)
    {
        var now = Now.ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Issuer.Value,
            ["sub"] = Subject,
            ["aud"] = ClientId,
            ["iat"] = now,
            ["exp"] = now + 300,
            ["at_hash"] = Base64UrlText.Encode(Secret.Digest(accessToken).AsSpan(0, 16)),
            ["name"] = "Alice",
        };
        if (nonce is not null) claims["nonce"] = nonce;
        SpoilIdToken?.Invoke(claims);
        var text = Jws.Sign(Key, IdTokenType ?? "", Encoding.UTF8.GetBytes(claims.ToJsonString()));
        return Remember(SpoilIdTokenText?.Invoke(text) ?? text);
    }
}
