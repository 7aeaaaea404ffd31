using System.Text.Json;
using ProofKey.Cli.Hosting;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Cli.Tests;

/// <summary><c>database</c> and <c>key rewrap</c>: nothing is lost on the way, and nothing is half done.</summary>
public sealed class DatabaseVerbTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private string _database = "";

    public async ValueTask InitializeAsync() => _database = await PostgreSqlCluster.NewDatabaseAsync();

    public ValueTask DisposeAsync()
    {
        _cli.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_person_stays_signed_in_while_the_database_moves_to_PostgreSQL()
    {
        var issuer = $"http://127.0.0.1:{TestServer.FreePort()}";
        await SignInAsync(issuer);
        var copied = await _cli.RunAsync("database", "copy", "--data", _cli.Data, "--database", _database, "--json");
        copied.ExitCode.ShouldBe(0, copied.ToString());
        var rows = RowsOf(copied.Output);
        (rows["account"], rows["client"], rows["authorization_grant"], rows["session"]).ShouldBe((1, 1, 1, 1));
        rows.ShouldBe(RowsOf(await _cli.OutputOfAsync("database", "check", "--data", _cli.Data, "--json")));

        var rootKey = Path.Combine(_cli.Data, "root.key");
        await using (var serving = _cli.Start("serve", "--database", _database, "--root-key-file", rootKey, "--urls", issuer))
        {
            await serving.UntilAsync(TestServer.Listening());
            (await _cli.OutputOfAsync("token", "--min-valid", "24h")).Split('.').Length.ShouldBe(3, "the refresh token is good at the new place");
            (await StatusAsync(issuer, await _cli.OutputOfAsync("token"))).ShouldBe(200);
        }
        var again = await _cli.RunAsync("database", "copy", "--data", _cli.Data, "--database", _database);
        again.ShouldBeFailure(1, "has rows; nothing was changed", "empty database");
    }

    [Fact]
    public async Task A_copy_of_nothing_or_to_nowhere_is_wrong_usage()
    {
        (await _cli.RunAsync("database", "copy", "--data", _cli.PathOf("nothing"), "--database", _database)).ShouldBeFailure(2, "no database in", "--data DIR");
        Directory.Exists(_cli.PathOf("nothing")).ShouldBeFalse();
        await _cli.OutputOfAsync("database", "migrate", "--data", _cli.Data);
        (await _cli.RunAsync("database", "copy", "--data", _cli.Data)).ShouldBeFailure(2, "--database is needed", "PROOFKEY_DATABASE");
    }

    [Fact]
    public async Task Only_a_server_and_migrate_bring_tables_up_to_date()
    {
        await _cli.OutputOfAsync("database", "migrate", "--data", _cli.Data);
        // What a program of the next version would find.
        await using (var source = DataFolder.Open(_cli.Data).CreateDataSource())
        await using (var command = source.CreateCommand("delete from schema_version where version = (select max(version) from schema_version)")) await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        (await _cli.RunAsync("client", "list", "--data", _cli.Data)).ShouldBeFailure(1, "nothing was changed", "proofkey database migrate");
        (await _cli.RunAsync("database", "check", "--data", _cli.Data)).ShouldBeFailure(1, "nothing was changed", "proofkey database migrate");
    }

    [Fact]
    public async Task A_copy_while_a_server_runs_is_refused()
    {
        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", $"http://127.0.0.1:{TestServer.FreePort()}");
        await serving.UntilAsync(TestServer.Listening());
        (await _cli.RunAsync("database", "copy", "--data", _cli.Data, "--database", _database)).ShouldBeFailure(1, "in use; nothing was changed", "Stop the server");
        (await PostgreSqlCluster.CountAsync(_database, "select count(*) from pg_tables where schemaname = 'public'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_page_that_is_broken_is_found_and_never_restored()
    {
        (await _cli.RunWithAsync($"{TestServer.Password}\n", "user", "add", "mallory-of-page-two", "--password-stdin", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        (await _cli.RunAsync("database", "check", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
        foreach (var file in new[] { Path.Combine(_cli.Data, "proofkey.db"), _cli.PathOf("backup.db") })
        {
            var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            // The hash stands in one table and in no index.
            var place = bytes.AsSpan().LastIndexOf("AQAAAAI"u8);
            bytes.AsSpan((place & ~4095) + 8, 64).Fill(0xff);
            await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
        }
        (await _cli.RunAsync("database", "check", "--data", _cli.Data)).ShouldBeFailure(1, "is damaged; restore it from a backup", "SQLite says");
        (await _cli.RunAsync("database", "restore", _cli.PathOf("backup.db"), "--data", _cli.Data)).ShouldBeFailure(1, "is damaged; restore it from a backup", "SQLite says");
    }

    [Fact]
    public async Task The_copy_knows_every_table()
    {
        (await _cli.RunAsync("database", "migrate", "--database", _database, "--root-key-file", RootKey("root.key"))).ExitCode.ShouldBe(0);
        var tables = await PostgreSqlCluster.CountAsync(_database, "select count(*) from pg_tables where schemaname = 'public'");
        RowsOf(await _cli.OutputOfAsync("database", "check", "--database", _database, "--root-key-file", _cli.PathOf("root.key"), "--json")).Count.ShouldBe((int)tables - 1, "all but schema_version");
    }

    [Fact]
    public async Task A_backup_of_a_running_server_is_a_whole_database_for_its_owner_alone()
    {
        var issuer = $"http://127.0.0.1:{TestServer.FreePort()}";
        await using (var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", issuer))
        {
            await serving.UntilAsync(TestServer.Listening());
            await _cli.OutputOfAsync("client", "add", "Kept", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data);
            (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
        }
        File.GetUnixFileMode(_cli.PathOf("backup.db")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ShouldBeFailure(1, "cannot be made", "not there yet");
        Directory.CreateDirectory(_cli.PathOf("restored"));
        File.Copy(_cli.PathOf("backup.db"), _cli.PathOf("restored/proofkey.db"));
        File.Copy(Path.Combine(_cli.Data, "root.key"), _cli.PathOf("restored/root.key"));
        (await _cli.OutputOfAsync("client", "list", "--data", _cli.PathOf("restored"))).ShouldContain("Kept");
        RowsOf(await _cli.OutputOfAsync("database", "check", "--data", _cli.PathOf("restored"), "--json"))["key"].ShouldBe(3);
        (await _cli.RunAsync("database", "backup", _cli.PathOf("other.db"), "--database", _database, "--root-key-file", RootKey("root.key"))).ShouldBeFailure(2, "PostgreSQL has a program", "pg_dump");
        (await _cli.RunAsync("database", "backup", _cli.PathOf("other.db"), "--data", _cli.PathOf("empty"))).ShouldBeFailure(2, "no database in", "--data DIR");
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task The_root_key_changes_and_what_was_signed_in_stays_so()
    {
        var issuer = $"http://127.0.0.1:{TestServer.FreePort()}";
        await SignInAsync(issuer);
        var old = File.ReadAllBytes(Path.Combine(_cli.Data, "root.key"));
        (await _cli.RunAsync("key", "rewrap", "--data", _cli.Data)).ShouldBeFailure(2, "--new-root-key-file is needed");
        (await _cli.RunAsync("key", "rewrap", "--data", _cli.Data, "--new-root-key-file", _cli.Write("short.key", "short"))).ShouldBeFailure(2, "no root key", "openssl rand");
        (await _cli.RunAsync("key", "rewrap", "--data", _cli.Data, "--root-key-file", RootKey("wrong.key"), "--new-root-key-file", RootKey("new.key"))).ShouldBeFailure(1, "does not open the keys", "nothing was changed");
        File.ReadAllBytes(Path.Combine(_cli.Data, "root.key")).ShouldBe(old);

        (await _cli.RunAsync("key", "rewrap", "--data", _cli.Data, "--new-root-key-file", _cli.PathOf("new.key"))).ExitCode.ShouldBe(0);
        File.ReadAllBytes(Path.Combine(_cli.Data, "root.key")).ShouldBe(Convert.FromBase64String(File.ReadAllText(_cli.PathOf("new.key"))));
        File.GetUnixFileMode(Path.Combine(_cli.Data, "root.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(_cli.PathOf("old.key"), old);
        (await _cli.RunAsync("database", "check", "--data", _cli.Data, "--root-key-file", _cli.PathOf("old.key"))).ShouldBeFailure(1, "does not open the keys");
        (await _cli.OutputOfAsync("audit-log", "--data", _cli.Data)).ShouldContain("root-key-changed");

        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", issuer);
        await serving.UntilAsync(TestServer.Listening());
        (await _cli.OutputOfAsync("token", "--min-valid", "24h")).Split('.').Length.ShouldBe(3);
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task A_root_key_that_cannot_be_written_down_changes_nothing_and_one_that_cannot_take_its_place_is_named()
    {
        var folder = DataFolder.Open(_cli.Data);
        var (file, rewrapped) = (Path.Combine(_cli.Data, "root.key"), 0);
        Task replaceAsync() => folder.ReplaceRootKeyAsync(Secret.NewBytes(32), "new.key", () => Task.FromResult(rewrapped++));

        // A folder of the same name stands in the way of a file, even for root.
        var unfinished = Directory.CreateDirectory($"{file}.{Environment.ProcessId}.new");
        (await Should.ThrowAsync<DataFolderException>(replaceAsync)).Message.ShouldContain("Nothing was changed");
        rewrapped.ShouldBe(0);
        unfinished.Delete();

        File.Delete(file);
        Directory.CreateDirectory(file);
        (await Should.ThrowAsync<DataFolderException>(replaceAsync)).Message.ShouldContain("--root-key-file new.key");
        rewrapped.ShouldBe(1);
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task A_change_of_the_root_key_that_was_cut_off_at_its_end_says_where_the_right_one_is_and_goes_on_with_it()
    {
        var issuer = $"http://127.0.0.1:{TestServer.FreePort()}";
        await SignInAsync(issuer);
        var (file, left, old) = (Path.Combine(_cli.Data, "root.key"), Path.Combine(_cli.Data, "root.key.4711.new"), File.ReadAllBytes(Path.Combine(_cli.Data, "root.key")));
        (await _cli.RunAsync("key", "rewrap", "--data", _cli.Data, "--new-root-key-file", RootKey("new.key"))).ExitCode.ShouldBe(0);
        // As it is between the commit of the database and the rename of the file.
        File.Move(file, left);
        File.WriteAllBytes(file, old);

        var keys = await KeysAsync();
        foreach (var command in (string[][])[["serve", "--urls", issuer], ["key", "list"], ["database", "check"]])
            (await _cli.RunAsync([.. command, "--data", _cli.Data])).ShouldBeFailure(1, "does not open the keys", "root.key.NUMBER.new: put it in the place of root.key");
        File.ReadAllBytes(file).ShouldBe(old);
        File.Exists(left).ShouldBeTrue();
        (await KeysAsync()).ShouldBe(keys, "nothing was changed");

        File.Move(left, file, overwrite: true);
        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", issuer);
        await serving.UntilAsync(TestServer.Listening());
        (await _cli.OutputOfAsync("token", "--min-valid", "24h")).Split('.').Length.ShouldBe(3, "who was signed in is");
    }

    [Fact]
    public async Task The_root_key_of_PostgreSQL_changes_too()
    {
        string[] with(string key) => ["--database", _database, "--root-key-file", _cli.PathOf(key)];
        RootKey("root.key");
        await using (var serving = _cli.Start(["serve", "--urls", $"http://127.0.0.1:{TestServer.FreePort()}", .. with("root.key")])) await serving.UntilAsync(TestServer.Listening());
        (await _cli.RunAsync(["key", "rewrap", "--new-root-key-file", RootKey("new.key"), .. with("root.key")])).ExitCode.ShouldBe(0);
        (await _cli.RunAsync(["key", "list", .. with("root.key")])).ShouldBeFailure(1, "does not open the keys");
        (await _cli.OutputOfAsync(["key", "list", .. with("new.key")])).ShouldContain("ES256");
    }

    private async Task SignInAsync(string issuer)
    {
        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", issuer);
        await serving.UntilAsync(TestServer.Listening());
        (await _cli.RunWithAsync($"{TestServer.Password}\n", "user", "add", "alice", "--password-stdin", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        var client = await _cli.OutputOfAsync("client", "add", "Terminal", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data);
        await using var login = _cli.Start("login", issuer, "--client-id", client, "--no-browser");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
        serving.AskToStop();
        (await serving.EndAsync()).ExitCode.ShouldBe(0);
    }

    private async Task<string> KeysAsync()
    {
        await using var source = DataFolder.SourceOf(Path.Combine(_cli.Data, DataFolder.DatabaseName));
        await using var command = source.CreateCommand("select group_concat(id || hex(sealed), ' ') from (select id, sealed from key order by id)");
        return (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private string RootKey(string name) => _cli.Write(name, Convert.ToBase64String(Secret.NewBytes(32)));

    private static Dictionary<string, long> RowsOf(string json)
    {
        using var rows = JsonDocument.Parse(json);
        return rows.RootElement.EnumerateArray().ToDictionary(row => row.GetProperty("table").GetString()!, row => row.GetProperty("rows").GetInt64());
    }

    private static async Task<int> StatusAsync(string server, string token)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var answer = await http.GetAsync(new Uri($"{server}/userinfo"), TestContext.Current.CancellationToken);
        return (int)answer.StatusCode;
    }
}
