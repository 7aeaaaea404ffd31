namespace ProofKey.Cli.Tests;

/// <summary>A data folder that is not there: what only looks, or changes what is there, makes no other server out of a name that was mistyped.</summary>
public sealed class MissingDataTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("database check"), InlineData("database backup copy.db"), InlineData("client list"), InlineData("client show x"), InlineData("client update x --name y"), InlineData("client remove x")]
    [InlineData("resource list"), InlineData("resource update https://a.example/ --name y"), InlineData("resource remove https://a.example/"), InlineData("scope list"), InlineData("scope remove x")]
    [InlineData("user list"), InlineData("user show x"), InlineData("user disable x"), InlineData("user enable x"), InlineData("user reset x"), InlineData("user remove x")]
    [InlineData("grant list"), InlineData("grant revoke x"), InlineData("key list"), InlineData("key rotate"), InlineData("audit-log"), InlineData("audit-log --follow")]
    public async Task It_is_named_and_stays_away(string command)
    {
        (await _cli.RunAsync([.. command.Split(' '), "--data", _cli.Data])).ShouldBeFailure(2, $"There is no database in {_cli.Data}", "--data DIR");
        Directory.Exists(_cli.Data).ShouldBeFalse();
    }

    [Fact]
    public async Task The_doctor_names_it_beside_what_it_found()
    {
        var outcome = await _cli.RunAsync("doctor", "--server", "https://login.invalid", "--data", _cli.Data);
        outcome.ExitCode.ShouldBe(1, outcome.ToString());
        outcome.Output.ShouldContain("✗ metadata");
        outcome.Output.ShouldContain("There is no database in");
        Directory.Exists(_cli.Data).ShouldBeFalse();
    }

    [Theory]
    [InlineData("database migrate"), InlineData("scope set x words"), InlineData("client add App --public --redirect-uri http://127.0.0.1/callback")]
    public async Task What_begins_a_server_makes_it(string command)
    {
        (await _cli.RunAsync([.. command.Split(' '), "--data", _cli.Data])).ExitCode.ShouldBe(0);
        (await _cli.RunAsync("database", "check", "--data", _cli.Data)).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_root_key_that_others_can_read_is_warned_of_and_the_way_to_make_one_is_for_its_owner_alone()
    {
        var key = _cli.Write("root.key", new string('0', 64));
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var warned = await _cli.RunAsync("database", "migrate", "--data", _cli.Data, "--root-key-file", key);
        warned.ExitCode.ShouldBe(0, warned.ToString());
        warned.Errors.ShouldContain($"can read the root key {key}");
        warned.Errors.ShouldContain("chmod 600");
        File.SetUnixFileMode(key, UnixFileMode.UserRead);
        (await _cli.RunAsync("client", "list", "--data", _cli.Data, "--root-key-file", key)).Errors.ShouldBeEmpty();
        (await _cli.RunAsync("client", "list", "--database", "Host=db")).ShouldBeFailure(2, "(umask 077; openssl rand -base64 32 > root.key)");
    }

    [Fact]
    public async Task So_is_one_that_lies_beside_the_database()
    {
        (await _cli.RunAsync("database", "migrate", "--data", _cli.Data)).Errors.ShouldNotContain("can read");
        File.SetUnixFileMode(Path.Combine(_cli.Data, "root.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        var warning = $"can read the root key {_cli.Data}/root.key, and with it all other keys. Take that from them with: chmod 600 {_cli.Data}/root.key";

        (await _cli.RunAsync("client", "list", "--data", _cli.Data)).Errors.ShouldContain(warning);
        await using var serving = _cli.Start("serve", "--data", _cli.Data, "--urls", $"http://127.0.0.1:{TestServer.FreePort()}");
        await serving.UntilAsync(TestServer.Listening());
        serving.Errors.ShouldContain(warning);
    }
}
