using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ProofKey.Jose;

namespace ProofKey.ResourceServer.Tests;

/// <summary>An issuer on a real socket: metadata, keys, tokens, and every fault that an issuer can have.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Audience = "https://api.example.com/";

    private readonly WebApplication _app;
    private readonly Channel<string> _asked = Channel.CreateUnbounded<string>();
    private int _requests;
    private int _keyFetches;

    private TestIssuer(WebApplication app, ManualTime time)
    {
        _app = app;
        Time = time;
        Published = [Key];
        Metadata = new JsonObject();
    }

    public ManualTime Time { get; }

    public Issuer Issuer { get; private set; } = null!;

    public SigningKey Key { get; set; } = SigningKey.New(SignatureAlgorithm.ES256);

    public IReadOnlyList<SigningKey> Published { get; set; }

    /// <summary>What the metadata say.</summary>
    public JsonObject Metadata { get; set; }

    /// <summary>The path at which the metadata are.</summary>
    public string MetadataPath { get; set; } = "/.well-known/oauth-authorization-server";

    /// <summary>Answers instead of the key set.</summary>
    public Func<HttpContext, Task>? KeysInstead { get; set; }

    /// <summary>Answers instead of everything.</summary>
    public Func<HttpContext, Task>? Instead { get; set; }

    public int Requests => Volatile.Read(ref _requests);

    public int KeyFetches => Volatile.Read(ref _keyFetches);

    public static async Task<TestIssuer> StartAsync(string path = "", X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, socket =>
        {
            if (certificate is not null) socket.UseHttps(certificate);
        }));
        var app = builder.Build();
        var issuer = new TestIssuer(app, new ManualTime());
        app.Run(issuer.AnswerAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        issuer.Issuer = Issuer.Parse(app.Urls.Single() + path);
        issuer.Metadata = new JsonObject { ["issuer"] = issuer.Issuer.Value, ["jwks_uri"] = issuer.Issuer.Endpoint("/jwks") };
        return issuer;
    }

    /// <summary>Waits until the next request has come in.</summary>
    /// <returns>Its path.</returns>
    public Task<string> NextRequestAsync() =>
        _asked.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    public JsonObject Claims() => new()
    {
        ["iss"] = Issuer.Value,
        ["sub"] = "alice",
        ["aud"] = Audience,
        ["client_id"] = "notes",
        ["iat"] = Now,
        ["exp"] = Now + 600,
        ["jti"] = "token-1",
        ["scope"] = "openid orders.read",
    };

    public long Now => Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>A good access token, but for what the test changes.</summary>
    public string Token(Action<JsonObject>? change = null, string typ = "at+jwt", SigningKey? key = null)
    {
        var claims = Claims();
        change?.Invoke(claims);
        return Jws.Sign(key ?? Key, typ, Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }

    /// <summary>A token with a header as written, signed with the issuer's key.</summary>
    public string TokenWithHeader(string header, SigningKey? key = null) => Sign(header, Claims().ToJsonString(), signed => (key ?? Key).Sign(signed));

    /// <summary>A token with header and payload as written.</summary>
    public static string Sign(string header, string payload, Func<byte[], byte[]> sign)
    {
        var signed = $"{Base64UrlText.Encode(Encoding.UTF8.GetBytes(header))}.{Base64UrlText.Encode(Encoding.UTF8.GetBytes(payload))}";
        return $"{signed}.{Base64UrlText.Encode(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        foreach (var key in Published.Append(Key).Distinct()) key.Dispose();
    }

    private Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        var path = context.Request.Path.Value!;
        _asked.Writer.TryWrite(path);
        if (Instead is { } instead) return instead(context);
        if (path == MetadataPath) return JsonAsync(context, Metadata.ToJsonString());
        if (path == $"{Issuer.Path}/jwks") return KeysAsync(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private Task KeysAsync(HttpContext context)
    {
        Interlocked.Increment(ref _keyFetches);
        if (KeysInstead is { } instead) return instead(context);
        return JsonAsync(context, Encoding.UTF8.GetString(new JwkSet(Published.Select(key => key.PublicKey)).ToJson()));
    }

    private static Task JsonAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }
}
