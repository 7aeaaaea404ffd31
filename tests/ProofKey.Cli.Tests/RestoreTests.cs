using System.Text.Json;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Cli.Tests;

/// <summary><c>database restore</c>: nothing that was revoked lives again unasked, nobody who is honest is signed out, and nothing is half done.</summary>
public sealed class RestoreTests : IDisposable
{
    private readonly Cli _cli = new();
    private readonly string _issuer = $"http://127.0.0.1:{TestServer.FreePort()}";
    private string _client = "";

    public void Dispose() => _cli.Dispose();

    [Fact]
    [Assertion("RT-17")]
    [Assertion("RT-18")]
    public async Task The_honest_client_goes_on_once_and_what_was_revoked_since_the_backup_stays_dead()
    {
        StoredSession second, fourth;
        await using (var serving = await ServeAsync())
        {
            await SignInAsync("honest", "copied", "revoked");
            (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
            await RefreshAsync("honest");
            await RefreshAsync("honest");
            await RefreshAsync("copied");
            second = await _cli.SessionOfAsync("copied");
            await RefreshAsync("copied");
            await RefreshAsync("copied");
            fourth = await _cli.SessionOfAsync("copied");
            (await _cli.RunAsync("grant", "revoke", await NewestGrantAsync(), "--data", _cli.Data)).ExitCode.ShouldBe(0);
            _cli.Write("audit.jsonl", await _cli.OutputOfAsync("audit-log", "--since", "1d", "--json", "--data", _cli.Data));
            await StopAsync(serving);
        }

        var restored = await _cli.RunAsync("database", "restore", _cli.PathOf("backup.db"), "--grants", "keep", "--audit", _cli.PathOf("audit.jsonl"), "--data", _cli.Data);
        restored.ExitCode.ShouldBe(0, restored.ToString());
        restored.Output.ShouldBeEmpty();
        restored.Errors.ShouldContain("newer than the backup: 1. They hold again.");
        restored.Errors.ShouldContain("Every other sign-in goes on.");
        Directory.GetFiles(_cli.Data, "proofkey.db*").Length.ShouldBe(2, "the database, and the one of before");
        restored.Errors.ShouldContain(Directory.GetFiles(_cli.Data, "proofkey.db.before-*").ShouldHaveSingleItem());
        File.GetUnixFileMode(Path.Combine(_cli.Data, "proofkey.db")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        await using (var serving = await ServeAsync())
        {
            await RefreshAsync("honest");
            await RefreshAsync("honest");
            await _cli.ChangeAsync("copied", _ => second);
            await RefreshAsync("copied");
            await _cli.ChangeAsync("copied", _ => fourth);
            (await TokenAsync("copied")).ExitCode.ShouldBe(4, "a second one that is ahead");
            serving.Errors.ShouldContain("ahead of its row");
            (await TokenAsync("revoked")).ExitCode.ShouldBe(4);
            serving.Errors.ShouldContain("The grant was revoked");
            await StopAsync(serving);
        }
        var kinds = (await _cli.OutputOfAsync("audit-log", "--json", "--data", _cli.Data)).Split('\n').Select(line => JsonDocument.Parse(line).RootElement.GetProperty("kind").GetString()).ToList();
        kinds.Count(kind => kind == "refresh-token-ahead").ShouldBe(2);
        kinds.ShouldContain("database-restored");
        kinds.ShouldContain("grant-revoked", "the trail is whole again");
    }

    [Fact]
    [Assertion("RT-17")]
    public async Task A_file_that_was_put_back_by_hand_refuses_what_is_ahead_until_it_is_marked()
    {
        StoredSession ahead;
        await using (var serving = await ServeAsync())
        {
            await SignInAsync("honest");
            (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
            await RefreshAsync("honest");
            ahead = await _cli.SessionOfAsync("honest");
            await StopAsync(serving);
        }
        File.Copy(_cli.PathOf("backup.db"), Path.Combine(_cli.Data, "proofkey.db"), overwrite: true);
        await using (var serving = await ServeAsync())
        {
            (await TokenAsync("honest")).ExitCode.ShouldBe(4);
            serving.Errors.ShouldContain("mark it with: proofkey database restore");
            await StopAsync(serving);
        }
        var marked = await _cli.RunAsync("database", "restore", "--grants", "keep", "--data", _cli.Data);
        marked.ExitCode.ShouldBe(0, marked.ToString());
        marked.Errors.ShouldContain("what was revoked since the backup lives again");
        await _cli.ChangeAsync("honest", _ => ahead);
        await using (var serving = await ServeAsync()) await RefreshAsync("honest");
    }

    [Fact]
    [Assertion("RT-18")]
    public async Task On_a_pipe_without_a_choice_nobody_stays_signed_in()
    {
        await using (var serving = await ServeAsync())
        {
            await SignInAsync("honest");
            (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
            (await _cli.RunAsync("database", "restore", _cli.PathOf("backup.db"), "--data", _cli.Data)).ShouldBeFailure(1, "is in use; nothing was changed", "Stop the server");
            await StopAsync(serving);
        }
        var restored = await _cli.RunAsync("database", "restore", _cli.PathOf("backup.db"), "--data", _cli.Data);
        restored.ExitCode.ShouldBe(0, restored.ToString());
        restored.Errors.ShouldContain("Everybody signs in again.");
        await using (var serving = await ServeAsync()) (await TokenAsync("honest")).ExitCode.ShouldBe(4);
    }

    [Fact]
    public async Task What_cannot_be_restored_changes_nothing()
    {
        await using (var serving = await ServeAsync()) await StopAsync(serving);
        (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
        await _cli.OutputOfAsync("client", "add", "Later", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data);
        var good = _cli.PathOf("backup.db");
        async Task<Outcome> restore(string file, params string[] options) => await _cli.RunAsync(["database", "restore", file, "--data", _cli.Data, .. options]);

        (await restore(good, "--root-key-file", _cli.Write("wrong.key", Convert.ToBase64String(Secret.NewBytes(32))))).ShouldBeFailure(1, "does not open the keys", "nothing was changed");
        (await restore(_cli.PathOf("nothing.db"))).ShouldBeFailure(1, "cannot be copied", "Check its path");
        (await restore(_cli.Write("empty.db", ""))).ShouldBeFailure(1, "is not a backup", "database backup");
        (await restore(_cli.Write("text.db", new string('x', 5000)))).ShouldBeFailure(1, "is not a backup", "database backup");
        (await restore(good, "--grants", "some")).ShouldBeFailure(2, "--grants is not some", "keep");
        (await restore(good, "--grants", "revoke-changed")).ShouldBeFailure(2, "nobody knows what changed", "--audit FILE");
        (await restore(good, "--audit", _cli.PathOf("nothing.jsonl"))).ShouldBeFailure(1, "cannot be read");
        (await restore(good, "--audit", _cli.Write("cut.jsonl", "\n{\"id\":\"AAAA\",\"at\":\"2026-"))).ShouldBeFailure(2, "Line 2 of", "cut off");
        _cli.Write("half.db-wal", "writes");
        (await restore(_cli.Write("half.db", "x"))).ShouldBeFailure(1, "is not whole", "database backup");
        (await _cli.RunAsync("database", "restore", good, "--data", _cli.PathOf("elsewhere"))).ShouldBeFailure(2, "no root key", "--root-key-file");
        (await _cli.RunAsync("database", "restore", "--data", _cli.PathOf("elsewhere"))).ShouldBeFailure(2, "no database in", "--data DIR");
        Directory.Exists(_cli.PathOf("elsewhere")).ShouldBeFalse();

        Directory.GetFiles(_cli.Data, "proofkey.db*").ShouldHaveSingleItem();
        (await _cli.OutputOfAsync("client", "list", "--data", _cli.Data)).ShouldContain("Later");
        (await restore(good)).ExitCode.ShouldBe(0);
        (await _cli.OutputOfAsync("client", "list", "--data", _cli.Data)).ShouldNotContain("Later");
    }

    [Fact]
    public async Task A_damaged_database_is_what_a_restore_is_for()
    {
        await using (var serving = await ServeAsync()) await StopAsync(serving);
        (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
        File.WriteAllText(Path.Combine(_cli.Data, "proofkey.db"), new string('x', 5000));
        File.WriteAllText(Path.Combine(_cli.Data, "proofkey.db-wal"), "lost");
        (await _cli.RunAsync("database", "restore", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
        File.Exists(Path.Combine(_cli.Data, "proofkey.db-wal")).ShouldBeFalse("it belonged to the damaged one");
        await using (var serving = await ServeAsync()) await StopAsync(serving);
        Directory.GetFiles(_cli.Data, "proofkey.db.before-*").ShouldNotBeEmpty();
    }

    [Fact]
    [Assertion("RT-17")]
    public async Task The_log_of_a_killed_server_is_not_written_into_the_backup_that_takes_the_place_of_its_database()
    {
        await using (var serving = await ServeAsync())
        {
            (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
            (await _cli.RunAsync("client", "add", "Later", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data)).ExitCode.ShouldBe(0);
            await serving.KillAsync();
        }
        var database = Path.Combine(_cli.Data, "proofkey.db");
        new FileInfo($"{database}-wal").Length.ShouldBeGreaterThan(0);
        File.Move(database, $"{database}.bad");

        var restored = await _cli.RunAsync("database", "restore", _cli.PathOf("backup.db"), "--grants", "keep", "--data", _cli.Data);
        restored.ExitCode.ShouldBe(0, restored.ToString());
        restored.Errors.ShouldContain(Directory.GetFiles(_cli.Data, "proofkey.db.before-*-wal").ShouldHaveSingleItem());
        (await _cli.OutputOfAsync("client", "list", "--data", _cli.Data)).ShouldNotContain("Later");
        (await _cli.OutputOfAsync("audit-log", "--json", "--data", _cli.Data)).ShouldContain("database-restored");
    }

    [Fact]
    public async Task What_a_killed_restore_has_left_is_cleared_away_by_the_next()
    {
        await using (var serving = await ServeAsync()) await StopAsync(serving);
        (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
        foreach (var end in new[] { "", "-wal", "-shm" }) File.WriteAllText(Path.Combine(_cli.Data, $"proofkey.db.1.new{end}"), "half");
        var beside = Path.Combine(_cli.Data, "proofkey.db.monday.new");
        File.Move(_cli.PathOf("backup.db"), beside);
        (await _cli.RunAsync("database", "restore", beside, "--grants", "keep", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        Directory.GetFiles(_cli.Data, "proofkey.db*.new*").ShouldBe([beside], "a backup is no leftover, whatever its name");
    }

    [Fact]
    public async Task On_a_terminal_the_choice_is_asked_for_and_no_answer_changes_nothing()
    {
        await using (var serving = await ServeAsync()) await StopAsync(serving);
        (await _cli.RunAsync("database", "backup", _cli.PathOf("backup.db"), "--data", _cli.Data)).ExitCode.ShouldBe(0);
        await using (var asked = _cli.StartOnTerminal($"database restore {_cli.PathOf("backup.db")} --data {_cli.Data}"))
        {
            await asked.UntilAsync(new("Type 1, 2 or 3: "));
            await asked.TypeAsync("\r");
            (await asked.EndAsync()).ExitCode.ShouldBe(9);
        }
        Directory.GetFiles(_cli.Data, "proofkey.db*").ShouldHaveSingleItem();
        await using (var asked = _cli.StartOnTerminal($"database restore {_cli.PathOf("backup.db")} --data {_cli.Data}"))
        {
            await asked.UntilAsync(new("Type 1, 2 or 3: "));
            await asked.TypeAsync("1\r");
            var kept = await asked.EndAsync();
            kept.ExitCode.ShouldBe(0);
            kept.Errors.ShouldContain("Every other sign-in goes on.");
        }
    }

    [Fact]
    public async Task PostgreSQL_is_marked_after_its_own_program_brought_the_rows_back()
    {
        string[] place = ["--database", await PostgreSqlCluster.NewDatabaseAsync(), "--root-key-file", _cli.Write("root.key", Convert.ToBase64String(Secret.NewBytes(32)))];
        (await _cli.RunAsync(["database", "migrate", .. place])).ExitCode.ShouldBe(0);
        (await _cli.RunAsync(["database", "restore", "backup.dump", .. place])).ShouldBeFailure(2, "its own program", "pg_restore");
        (await _cli.RunAsync(["database", "restore", "--grants", "keep", "--audit", _cli.Write("audit.jsonl", ""), .. place])).Errors.ShouldContain("newer than the backup: 0.");
        (await _cli.OutputOfAsync(["audit-log", .. place])).ShouldContain("database-restored");
    }

    // Each refresh gives another token: none waits for a leeway to pass.
    private async Task<RunningCli> ServeAsync()
    {
        var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", _issuer, "--rotation", "strict");
        await serving.UntilAsync(TestServer.Listening());
        return serving;
    }

    private static async Task StopAsync(RunningCli serving)
    {
        serving.AskToStop();
        (await serving.EndAsync()).ExitCode.ShouldBe(0);
    }

    private async Task SignInAsync(params string[] profiles)
    {
        (await _cli.RunWithAsync($"{TestServer.Password}\n", "user", "add", "alice", "--password-stdin", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        _client = await _cli.OutputOfAsync("client", "add", "Terminal", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data);
        foreach (var profile in profiles)
        {
            await using var login = _cli.Start("login", _issuer, "--client-id", _client, "--no-browser", "--profile", profile);
            using var browser = new ScriptedBrowser();
            await browser.SignInAsync(login);
            (await login.EndAsync()).ExitCode.ShouldBe(0);
        }
    }

    // With an access token that has expired, so that it has to refresh.
    private async Task<Outcome> TokenAsync(string profile)
    {
        var past = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await _cli.ChangeAsync(profile, session => session with { ObtainedAt = past, ExpiresAt = past });
        return await _cli.RunAsync("token", "--profile", profile);
    }

    private async Task RefreshAsync(string profile)
    {
        var before = await RefreshTokenOfAsync(profile);
        var outcome = await TokenAsync(profile);
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        (await RefreshTokenOfAsync(profile)).ShouldNotBe(before);
    }

    private async Task<string> NewestGrantAsync()
    {
        using var grants = JsonDocument.Parse(await _cli.OutputOfAsync("grant", "list", "--json", "--data", _cli.Data));
        return grants.RootElement[0].GetProperty("grant").GetString()!;
    }

    private async Task<string> RefreshTokenOfAsync(string profile) => (await _cli.SessionOfAsync(profile)).RefreshToken!;
}
