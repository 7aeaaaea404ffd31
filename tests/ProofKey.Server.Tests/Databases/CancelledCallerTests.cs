using System.Diagnostics;
using System.Net;
using Npgsql;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Server.Tests.Databases;

/// <summary>Callers that go away, on every database.</summary>
public abstract class CancelledCaller(TokenServer at)
{
    [Fact]
    [Assertion("TK-21")]
    public async Task A_caller_that_goes_away_cancels_neither_its_own_write_nor_those_beside_it()
    {
        var (gone, stays, trace) = (await at.CodeAsync(), await at.CodeAsync(), ActivityTraceId.CreateRandom());
        var (isWritten, hasEnded) = (new TaskCompletionSource(), new TaskCompletionSource());
        bool IsItsWrite(Activity span) => span.OperationName == "database write" && span.TraceId == trace;
        using var spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name is Telemetry.Name or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = span => { if (IsItsWrite(span)) isWritten.TrySetResult(); },
            ActivityStopped = span => { if (IsItsWrite(span)) hasEnded.TrySetResult(); },
        };
        ActivitySource.AddActivityListener(spans);
        using var cancellation = new CancellationTokenSource();
        using var http = new HttpClient();
        var beside = Task.FromResult<JsonAnswer>(null!);
        var database = at.Server.Service<Database>();
        await database.InTransactionAsync(
            async connection =>
            {
                // Where one writes at a time, it is this one.
                if (database.Dialect.HasManyWriters) await connection.ExecuteAsync("lock table authorization_grant in exclusive mode", CancellationToken.None);
                using var request = new HttpRequestMessage(HttpMethod.Post, at.Server.Issuer + "/token") { Content = new FormUrlEncodedContent(gone.Exchange()) };
                request.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
                var cancelled = http.SendAsync(request, cancellation.Token);
                await isWritten.Task.WaitAsync(TimeSpan.FromSeconds(4));
                beside = at.RedeemAsync(stays);
                await cancellation.CancelAsync();
                await Should.ThrowAsync<OperationCanceledException>(cancelled);
            }, CancellationToken.None);
        (await beside).Status.ShouldBe(HttpStatusCode.OK);
        // Those beside it may be written before it is.
        await hasEnded.Task.WaitAsync(TimeSpan.FromSeconds(4), TestContext.Current.CancellationToken);
        (await at.RedeemAsync(gone)).Error.ShouldBe("invalid_grant", "its code was redeemed all the same");
    }
}

/// <summary>In a file.</summary>
public sealed class CancelledCallerOnSqliteTests(TokenServer at) : CancelledCaller(at), IClassFixture<TokenServer>;

/// <summary>In PostgreSQL.</summary>
public sealed class CancelledCallerTests(PostgreSqlTokenServer at) : CancelledCaller(at), IClassFixture<PostgreSqlTokenServer>
{
    private readonly PostgreSqlTokenServer at = at;

    [Fact]
    [Assertion("TK-21")]
    public async Task Whoever_asked_is_told_that_nobody_knows_when_the_connection_breaks_under_a_write_and_is_not_asked_to_repeat_it()
    {
        var code = await at.CodeAsync();
        Task<JsonAnswer> broken;
        await using (var locked = new NpgsqlConnection(at.ConnectionString + ";Pooling=false"))
        {
            await locked.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand("begin; lock table authorization_grant in exclusive mode", locked);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            broken = at.RedeemAsync(code);
            while (await PostgreSqlCluster.CountAsync(at.ConnectionString, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 0)
            {
                // Asking takes a while by itself.
            }
            await PostgreSqlCluster.RunAsync(at.ConnectionString, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
        }
        var answer = await broken;
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.ServiceUnavailable, "temporarily_unavailable"));
        answer.Text("error_description").ShouldContain("nobody knows whether it was done");
        answer.Response.Headers.RetryAfter.ShouldBeNull();
    }
}
