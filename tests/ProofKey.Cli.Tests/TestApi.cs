using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ProofKey.Cli.Tests;

/// <summary>A request as an API saw it.</summary>
public sealed record SeenRequest(string Method, string Path, string? Authorization, string? ContentType, string? Accept, string Body);

/// <summary>An API that notes what it is sent and answers as a test likes.</summary>
public sealed class TestApi : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestApi(WebApplication app) => _app = app;

    public ConcurrentQueue<SeenRequest> Seen { get; } = [];

    public string Address => _app.Urls.Single();

    public static async Task<TestApi> StartAsync(Func<HttpContext, Task> answer, bool isHttps = false)
    {
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = NewCertificate()));
        builder.WebHost.UseUrls(isHttps ? "https://127.0.0.1:0" : "http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var api = new TestApi(app);
        app.Run(async context =>
        {
            await api.NoteAsync(context.Request);
            await answer(context);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return api;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
    }

    private async Task NoteAsync(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body);
        var body = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        if (request.Headers.Authorization.ToString().Split(' ') is [_, var token]) SuiteWitness.OfThisSuite.Secret("access token", token);
        Seen.Enqueue(new SeenRequest(request.Method, request.Path, request.Headers.Authorization, request.ContentType, request.Headers.Accept, body));
    }
}
