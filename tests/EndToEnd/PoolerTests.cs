using System.Net;
using System.Text.Json;
using Npgsql;

namespace EndToEnd;

/// <summary>PgBouncer in transaction mode between servers and PostgreSQL: each transaction may run over another connection than the one before.</summary>
public sealed class PoolerTests
{
    private const string RedirectUri = "http://127.0.0.1:9/callback";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task People_sign_in_at_two_servers_at_once_and_each_refreshes_at_the_other()
    {
        await using var servers = await PooledServers.StartAsync(Cancellation);
        var client = await servers.AddClientAsync(Cancellation, "--redirect-uri", RedirectUri);
        using var one = new HttpClient(servers.To(0));
        using var other = new HttpClient(servers.To(1));

        async Task SignInAndRefreshAsync(int number)
        {
            var tokens = await CodeFlow.SignInAsync(servers.Issuer, client, RedirectUri, Cancellation, way: () => servers.To(number % 2));
            for (var i = 0; i < 25; i++) tokens = await RefreshAsync((number + i) % 2 == 0 ? other : one, servers.Issuer, client, tokens);
            using var request = new HttpRequestMessage(HttpMethod.Get, servers.Issuer + "/userinfo");
            request.Headers.Authorization = new("Bearer", tokens.GetProperty("access_token").GetString());
            using var answer = await other.SendAsync(request, Cancellation);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        // Of more tries at once on one account some would be turned away.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(SignInAndRefreshAsync));
        (await servers.OperateAsync(Cancellation, "database", "check")).ShouldContain("authorization_grant");
        (await servers.OperateAsync(Cancellation, "grant", "list", "--json")).ShouldContain(client);
    }

    [Fact]
    public async Task Every_connection_of_the_pooler_gives_up_on_locks_and_statements_as_ours_do()
    {
        await using var servers = await PooledServers.StartAsync(Cancellation);
        await using var source = NpgsqlDataSource.Create(servers.ConnectionString + ";Pooling=false");
        var connections = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => source.OpenConnectionAsync(Cancellation).AsTask()));
        var seen = new List<string>();
        // A transaction that is open keeps its connection of the pooler: eight of them are eight.
        foreach (var connection in connections) await RunAsync(connection, "begin");
        foreach (var connection in connections) seen.Add(await AskAsync(connection));
        foreach (var connection in connections) await connection.DisposeAsync();
        seen.Distinct().ShouldBe(["10s 5s 10s read committed"]);
    }

    private static async Task<JsonElement> RefreshAsync(HttpClient http, string issuer, string client, JsonElement tokens)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["client_id"] = client,
            ["refresh_token"] = tokens.GetProperty("refresh_token").GetString()!,
        });
        using var answer = await http.PostAsync(new Uri(issuer + "/token"), form, Cancellation);
        var body = await answer.Content.ReadAsStringAsync(Cancellation);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, body);
        return JsonDocument.Parse(body).RootElement;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private static async Task<string> AskAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(
            "select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('default_transaction_isolation'))", connection);
        return (string)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
