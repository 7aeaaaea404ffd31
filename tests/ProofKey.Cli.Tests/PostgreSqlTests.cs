using System.Text.RegularExpressions;
using Npgsql;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Cli.Tests;

/// <summary>The program on PostgreSQL: a whole sign-in, and what is said when the database or the root key is not the right one.</summary>
public sealed class PostgreSqlTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private string _database = "";

    public async ValueTask InitializeAsync()
    {
        _database = await PostgreSqlCluster.NewDatabaseAsync();
        _cli.Environment["PROOFKEY_ROOT_KEY_FILE"] = _cli.Write("root.key", Convert.ToBase64String(Secret.NewBytes(32)) + "\n");
    }

    public ValueTask DisposeAsync()
    {
        _cli.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_person_signs_in_at_one_server_refreshes_at_another_and_is_revoked_beside_them()
    {
        var issuer = $"http://127.0.0.1:{TestServer.FreePort()}";
        var other = $"http://127.0.0.1:{TestServer.FreePort()}";
        await using var serving = _cli.Start("serve", "--database", _database, "--urls", issuer);
        await serving.UntilAsync(TestServer.Listening());
        await using var beside = _cli.Start("serve", "--database", _database, "--urls", other, "--issuer", issuer);
        await beside.UntilAsync(TestServer.Listening());
        _cli.Environment["PROOFKEY_DATABASE"] = _database;
        (await _cli.RunWithAsync($"{TestServer.Password}\n", "user", "add", "alice", "--password-stdin")).ExitCode.ShouldBe(0);
        var client = await _cli.OutputOfAsync("client", "add", "Terminal", "--public", "--redirect-uri", "http://127.0.0.1/callback");

        await using var login = _cli.Start("login", issuer, "--client-id", client, "--no-browser");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
        var token = await _cli.OutputOfAsync("token");
        (await StatusAsync(other, token)).ShouldBe(200, "the other server knows what this one granted");
        (await _cli.OutputOfAsync("grant", "list", "--user", "alice")).ShouldContain(client);
        (await _cli.RunAsync("grant", "revoke", "--user", "alice")).ExitCode.ShouldBe(0);
        (await StatusAsync(issuer, token)).ShouldBe(401);
        (await StatusAsync(other, token)).ShouldBe(401);

        serving.AskToStop();
        var outcome = await serving.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldContain("PostgreSQL");
    }

    [Fact]
    [Assertion("RT-18")]
    public async Task A_database_that_is_away_for_a_while_does_not_end_the_export()
    {
        _cli.Environment["PROOFKEY_DATABASE"] = _database;
        await AddUserAsync("alice");
        await using var following = _cli.Start("audit-log", "--follow", "--json");
        await following.OutputUntilAsync(new("alice"));

        await RenameAsync(to: "away");
        await following.UntilAsync(new("Waiting for it"));
        await RenameAsync(to: "");
        await following.UntilAsync(new("The database is there again"));
        await AddUserAsync("bob");
        await following.OutputUntilAsync(new("bob"));

        following.PressControlC();
        var outcome = await following.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(2, "each event comes once");
    }

    [Fact]
    public async Task Two_places_a_wrong_text_and_a_missing_root_key_are_wrong_usage()
    {
        (await _cli.RunAsync("client", "list", "--database", _database, "--data", _cli.Data)).ShouldBeFailure(2, "two places", "PROOFKEY_DATABASE");
        (await _cli.RunAsync("client", "list", "--database", "postgres://proofkey:hidden-word@db/x")).ShouldBeFailure(2, "connection string", "Host=db.example");
        (await _cli.RunAsync("client", "list", "--database", "Host=db;Password=x;hidden-word=y")).ShouldBeFailure(2, "a key or a value", "quotes");
        (await _cli.RunAsync("client", "list", "--database", "Username=x")).ShouldBeFailure(2, "names no Host");
        _cli.Environment["PROOFKEY_ROOT_KEY"] = "short";
        (await _cli.RunAsync("client", "list", "--database", _database)).ShouldBeFailure(2, "given twice", "PROOFKEY_ROOT_KEY");
        _cli.Environment["PROOFKEY_ROOT_KEY_FILE"] = null;
        (await _cli.RunAsync("client", "list", "--database", _database)).ShouldBeFailure(2, "PROOFKEY_ROOT_KEY is no root key", "openssl rand");
        _cli.Environment["PROOFKEY_ROOT_KEY"] = null;
        (await _cli.RunAsync("serve", "--database", _database)).ShouldBeFailure(2, "needs a root key", "openssl rand");
        (await _cli.RunAsync("serve", "--database", _database, "--root-key-file", _cli.PathOf("none.key"))).ShouldBeFailure(1, "none.key cannot be read", "owner and mode");
        (await _cli.RunAsync("serve", "--database", _database, "--root-key-file", _cli.Write("short.key", "short"))).ShouldBeFailure(2, "no root key", "openssl rand");
        (await PostgreSqlCluster.CountAsync(_database, "select count(*) from pg_tables where schemaname = 'public'")).ShouldBe(0, "nothing was made");
    }

    [Fact]
    public async Task Another_root_key_stops_the_start_and_changes_nothing()
    {
        await StartOnceAsync();
        var before = await PostgreSqlCluster.CountAsync(_database, "select count(*) from key");
        var url = $"http://127.0.0.1:{TestServer.FreePort()}";
        var refused = await _cli.RunAsync("serve", "--database", _database, "--urls", url, "--root-key-file", _cli.Write("other.key", Convert.ToHexString(Secret.NewBytes(32))));
        refused.ExitCode.ShouldBe(1, refused.ToString());
        refused.Errors.ShouldContain("The root key does not open the keys in the database. Give the root key that belongs to this database; nothing was changed.");
        refused.Errors.ShouldNotContain("fault of its own");
        (await PostgreSqlCluster.CountAsync(_database, "select count(*) from key")).ShouldBe(before);
        await StartOnceAsync();
    }

    [Fact]
    public async Task A_database_that_does_not_let_us_in_is_explained_without_the_password()
    {
        var folder = Regex.Match(_database, "Host=([^;]+)").Groups[1].Value;
        foreach (var (connection, said) in new[]
        {
            ($"{_database};Username={PostgreSqlCluster.GuardedUser};Password=hidden-word", "check Username and Password"),
            ($"Host={folder};Username=postgres;Database=nowhere;Password=hidden-word", "make it with createdb"),
            ($"Host=127.0.0.1;Port={TestServer.FreePort()};Username=postgres;Password=hidden-word", "check that it runs, and Host and Port"),
        })
        {
            foreach (var verb in new[] { "client list", $"serve --urls http://127.0.0.1:{TestServer.FreePort()}" })
            {
                var outcome = await _cli.RunAsync([.. verb.Split(' '), "--database", connection]);
                outcome.ExitCode.ShouldBe(6, outcome.ToString());
                outcome.Errors.ShouldContain(said);
                outcome.ToString().ShouldNotContain("hidden-word");
            }
        }
    }

    [Fact]
    public async Task Of_several_hosts_the_one_that_takes_writes_is_found()
    {
        var several = Regex.Replace(_database, "Host=([^;]+)", $"Host={_cli.PathOf("no-socket")},$1");
        (await _cli.OutputOfAsync("client", "list", "--database", several, "--json")).ShouldBe("[]");
    }

    private async Task StartOnceAsync()
    {
        await using var serving = _cli.Start("serve", "--database", _database, "--urls", $"http://127.0.0.1:{TestServer.FreePort()}");
        await serving.UntilAsync(TestServer.Listening());
        serving.AskToStop();
        (await serving.EndAsync()).ExitCode.ShouldBe(0);
    }

    private async Task AddUserAsync(string name) => (await _cli.RunWithAsync($"{TestServer.Password}\n", "user", "add", name, "--password-stdin")).ExitCode.ShouldBe(0);

    // As a server that is away: whoever was connected is not any more, and nobody gets in.
    private async Task RenameAsync(string to)
    {
        var name = new NpgsqlConnectionStringBuilder(_database).Database!;
        var (from, other) = to.Length == 0 ? ($"{name}_away", name) : (name, $"{name}_{to}");
        var administrative = new NpgsqlConnectionStringBuilder(_database) { Database = "postgres", Pooling = false }.ConnectionString;
        while (true)
        {
            await PostgreSqlCluster.CountAsync(administrative, $"select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{from}'");
            try
            {
                await PostgreSqlCluster.RunAsync(administrative, $"alter database {from} rename to {other}");
                return;
            }
            catch (PostgresException used) when (used.SqlState == PostgresErrorCodes.ObjectInUse)
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task<int> StatusAsync(string server, string token)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var answer = await http.GetAsync(new Uri($"{server}/userinfo"), TestContext.Current.CancellationToken);
        return (int)answer.StatusCode;
    }
}
