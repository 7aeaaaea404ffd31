using System.Net;
using Npgsql;
using ProofKey.Server.Tests.Support;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Server.Tests.Databases;

/// <summary>Callers that go away.</summary>
public sealed class CancelledCallerTests(PostgreSqlTokenServer at) : IClassFixture<PostgreSqlTokenServer>
{
    [Fact]
    [Assertion("TK-21")]
    public async Task A_caller_that_goes_away_cancels_neither_its_own_write_nor_those_beside_it()
    {
        var (gone, stays) = (await at.CodeAsync(), await at.CodeAsync());
        using var cancellation = new CancellationTokenSource();
        using var http = new HttpClient();
        Task<JsonAnswer> beside;
        await using (var locked = new NpgsqlConnection(at.ConnectionString + ";Pooling=false"))
        {
            await locked.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand("begin; lock table authorization_grant in exclusive mode", locked);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            var cancelled = http.PostAsync(new Uri(at.Server.Issuer + "/token"), new FormUrlEncodedContent(gone.Exchange()), cancellation.Token);
            while (await PostgreSqlCluster.CountAsync(at.ConnectionString, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 0)
            {
                // Asking takes a while by itself.
            }
            beside = at.RedeemAsync(stays);
            await cancellation.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(cancelled);
        }
        (await beside).Status.ShouldBe(HttpStatusCode.OK);
        (await at.RedeemAsync(gone)).Error.ShouldBe("invalid_grant", "its code was redeemed all the same");
    }

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
