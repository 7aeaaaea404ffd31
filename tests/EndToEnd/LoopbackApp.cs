using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ProofKey;

namespace EndToEnd;

/// <summary>A program on the device that waits for its answer on a loopback address, in plain http (RFC 8252 section 7.3).</summary>
public sealed class LoopbackApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource<LoopbackAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LoopbackApp(WebApplication app) => _app = app;

    public string RedirectUri => $"{_app.Urls.Single()}/callback";

    /// <param name="host"><c>127.0.0.1</c> or <c>[::1]</c>.</param>
    public static async Task<LoopbackApp> StartAsync(string host)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://{host}:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var loopback = new LoopbackApp(app);
        app.Map("/callback", loopback.ReceiveAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return loopback;
    }

    /// <summary>A request that asks for a posted answer.</summary>
    public string Request(string issuer, string clientId, string state) => $"{issuer}/authorize?" + Parameters.Of(
        new("response_type", "code"), new("client_id", clientId), new("redirect_uri", RedirectUri), new("scope", "openid profile"), new("state", state), new("response_mode", "form_post"),
        new("code_challenge", CodeVerifier.New().Challenge.ToString()), new("code_challenge_method", CodeChallenge.Method)).ToQuery();

    /// <summary>The first answer that arrives.</summary>
    public Task<LoopbackAnswer> AnswerAsync(CancellationToken cancellation) => _answer.Task.WaitAsync(TimeSpan.FromSeconds(30), cancellation);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        var form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync() : FormCollection.Empty;
        SuiteWitness.OfThisSuite.Secret("code", form["code"].ToString());
        context.Response.ContentType = "text/html; charset=utf-8";
        await context.Response.WriteAsync("<!DOCTYPE html><html lang=en><title>Done</title><link rel=icon href=data:,><h1>Back in the app</h1>");
        _answer.TrySetResult(new LoopbackAnswer(context.Request.Method, context.Request.QueryString.Value ?? "", form.ToDictionary(field => field.Key, field => field.Value.ToString())));
    }
}

/// <summary>What a browser brought.</summary>
public sealed record LoopbackAnswer(string Method, string Query, IReadOnlyDictionary<string, string> Form);
