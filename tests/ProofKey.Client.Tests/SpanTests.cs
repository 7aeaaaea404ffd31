using System.Collections.Concurrent;
using System.Diagnostics;

namespace ProofKey.Client.Tests;

/// <summary>What a trace shows of this library.</summary>
public sealed class SpanTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_renewal_says_how_it_went_where_it_went_well_too()
    {
        using var mine = new ActivitySource(nameof(SpanTests));
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "ProofKey.Client" or nameof(SpanTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = TimeSpan.FromMinutes(11);

        // Other tests run at the same time, and their spans are not ours.
        using (var test = mine.StartActivity("test"))
        {
            await session.GetAccessTokenAsync(cancel: Cancel);
            var refresh = ended.Single(span => span.OperationName == "refresh" && span.TraceId == test!.TraceId);
            (refresh.GetTagItem("proofkey.outcome"), refresh.Status).ShouldBe(("ok", ActivityStatusCode.Unset));
        }
    }
}
