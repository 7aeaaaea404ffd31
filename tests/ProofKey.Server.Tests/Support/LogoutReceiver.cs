using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ProofKey.Server.Tests.Support;

/// <summary>What a client was sent.</summary>
internal sealed record ReceivedLogout(string Path, string? ContentType, IReadOnlyDictionary<string, string> Form)
{
    public string Token => Form["logout_token"];
}

/// <summary>A client's own server, which hears of ended sessions.</summary>
internal sealed class LogoutReceiver : IAsyncDisposable
{
    private readonly Channel<ReceivedLogout> _received = Channel.CreateUnbounded<ReceivedLogout>();
    private readonly CancellationTokenSource _closing = new();
    private WebApplication _app = null!;

    /// <summary>What it answers; <see langword="null"/> for nothing at all, for ever.</summary>
    public int? Status { get; set; } = 200;

    /// <summary>Where it answers to go, if anywhere.</summary>
    public string? Location { get; set; }

    public string Address => $"{_app.Urls.Single()}/logged-out";

    public int Count => _received.Reader.Count;

    public static async Task<LogoutReceiver> StartAsync()
    {
        var receiver = new LogoutReceiver();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        receiver._app = builder.Build();
        receiver._app.Urls.Add("http://127.0.0.1:0");
        receiver._app.Run(receiver.ReceiveAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Waits for the next call; one that does not come within half a minute fails the test.</summary>
    public async Task<ReceivedLogout> NextAsync() => await _received.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _app.DisposeAsync();
        _closing.Dispose();
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        var form = context.Request.HasFormContentType ? (await context.Request.ReadFormAsync()).ToDictionary(field => field.Key, field => field.Value.Single()!) : [];
        _received.Writer.TryWrite(new ReceivedLogout(context.Request.Path, context.Request.ContentType, form)).ShouldBeTrue();
        if (Status is not { } status)
        {
            await Task.Delay(Timeout.Infinite, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            context.Abort();
            return;
        }
        context.Response.StatusCode = status;
        if (Location is not null) context.Response.Headers.Location = Location;
    }
}
