namespace ProofKey.Cli.Tests;

/// <summary>Where an option's value comes from: the command line, then the environment, then the file.</summary>
public sealed class SettingsTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task The_command_line_goes_before_the_environment_and_that_before_the_file()
    {
        var file = _cli.Write("config.json", $$"""{ "data": "{{_cli.PathOf("from-file")}}" }""");
        await _cli.OutputOfAsync("database", "migrate", "--config", file);
        Directory.Exists(_cli.PathOf("from-file")).ShouldBeTrue();

        _cli.Environment["PROOFKEY_CONFIG"] = file;
        _cli.Environment["PROOFKEY_DATA"] = _cli.PathOf("from-environment");
        await _cli.OutputOfAsync("database", "migrate");
        Directory.Exists(_cli.PathOf("from-environment")).ShouldBeTrue();

        await _cli.OutputOfAsync("database", "migrate", "--data", _cli.PathOf("from-line"));
        Directory.Exists(_cli.PathOf("from-line")).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_any_the_data_folder_is_where_the_system_keeps_data()
    {
        await _cli.OutputOfAsync("database", "migrate");
        File.Exists(_cli.PathOf("share/proofkey/proofkey.db")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_whole_registration_can_stand_in_a_file()
    {
        var file = _cli.Write("client.json", """
            {
              // who signs in
              "public": true,
              "redirect_uri": ["http://127.0.0.1/callback", "http://[::1]/callback"],
              "json": true,
            }
            """);
        (await _cli.OutputOfAsync("client", "add", "My app", "--config", file, "--data", _cli.Data)).ShouldContain("\"redirect_uris\":[\"http://127.0.0.1/callback\",\"http://[::1]/callback\"]");
    }

    [Theory]
    [InlineData("""{ "dta": "x" }""", "key dta", "client_id")]
    [InlineData("""{ "data": 7 }""", "data of the configuration file", "Write a text")]
    [InlineData("""{ "data": "a", "data": "b" }""", "is not JSON", "PROOFKEY_CONFIG")]
    [InlineData("""[]""", "is not a JSON object", "PROOFKEY_CONFIG")]
    [InlineData("""{ "data": """, "is not JSON", "PROOFKEY_CONFIG")]
    public async Task A_wrong_file_is_explained(string content, string problem, string remedy) =>
        (await _cli.RunAsync("client", "list", "--config", _cli.Write("config.json", content))).ShouldBeFailure(2, problem, remedy);

    [Fact]
    public async Task A_file_that_is_not_there_is_explained() =>
        (await _cli.RunAsync("client", "list", "--config", _cli.PathOf("nothing.json"))).ShouldBeFailure(2, "nothing.json", "--config");

    [Fact]
    public async Task What_changes_or_chooses_counts_the_command_line_alone()
    {
        _cli.Environment["PROOFKEY_DATA"] = _cli.Data;
        var id = await _cli.OutputOfAsync("client", "add", "My app", "--public", "--redirect-uri", "http://127.0.0.1/callback");
        await _cli.OutputOfAsync("resource", "add", "https://orders.example.com/", "--scope", "orders.read", "--name", "Orders");
        (await _cli.RunWithAsync("correct horse battery\n", "user", "add", "alice", "--password-stdin")).ExitCode.ShouldBe(0);

        _cli.Environment["PROOFKEY_SCOPE"] = "openid orders.read";
        _cli.Environment["PROOFKEY_REDIRECT_URI"] = "http://127.0.0.1/elsewhere";
        _cli.Environment["PROOFKEY_FIRST_PARTY"] = "true";
        _cli.Environment["PROOFKEY_NAME"] = "Another name";
        await _cli.OutputOfAsync("client", "update", id, "--audience", "https://orders.example.com/");
        var shown = await _cli.OutputOfAsync("client", "show", id, "--json");
        shown.ShouldContain("\"audience\":\"https://orders.example.com/\"");
        shown.ShouldContain("\"redirect_uris\":[\"http://127.0.0.1/callback\"]");
        shown.ShouldContain("\"first_party\":false");
        shown.ShouldContain("My app");
        shown.ShouldNotContain("orders.read");
        (await _cli.RunAsync("resource", "update", "https://orders.example.com/")).ShouldBeFailure(2, "Nothing is to be changed", "--scope");

        foreach (var variable in (string[])["PROOFKEY_USER", "PROOFKEY_CLIENT", "PROOFKEY_KIND", "PROOFKEY_SINCE"]) _cli.Environment[variable] = "alice";
        (await _cli.RunAsync("grant", "revoke")).ShouldBeFailure(2, "which sign-ins", "--user NAME");
        (await _cli.OutputOfAsync("audit-log", "--json")).ShouldContain("client-changed");
    }

    [Theory]
    [InlineData("database restore backup.db", """{ "grants": "keep" }""", "key grants", "--grants of this command counts on the command line alone")]
    [InlineData("database restore backup.db", """{ "audit": "audit.jsonl" }""", "key audit", "Say --audit there")]
    [InlineData("login https://login.example.com --client-id x", """{ "dpop": true }""", "key dpop", "Say --dpop there")]
    [InlineData("login https://login.example.com --client-id x", """{ "response_mode": "query" }""", "key response_mode", "Say --response-mode there")]
    [InlineData("client update x", """{ "scope": "openid" }""", "key scope", "Say --scope there")]
    [InlineData("key rotate", """{ "revoke_all": true }""", "key revoke_all", "Say --revoke-all there")]
    [InlineData("login", """{ "client_idd": "x" }""", "key client_idd", "Did you mean client_id?")]
    [InlineData("client list", """{ "grants": "keep" }""", "key grants", "no command takes such an option from a file")]
    public async Task A_key_that_would_not_count_is_refused(string command, string content, string key, string said) =>
        (await _cli.RunAsync([.. command.Split(' '), "--config", _cli.Write("config.json", content)])).ShouldBeFailure(2, key, said);

    [Theory]
    [InlineData("PROOFKEY_GRANTS", "keep", "--grants GRANTS")]
    [InlineData("PROOFKEY_AUDIT", "audit.jsonl", "--audit FILE")]
    public async Task A_variable_that_a_restore_would_pass_over_is_refused(string variable, string value, string said)
    {
        _cli.Environment[variable] = value;
        (await _cli.RunAsync("database", "restore", "backup.db", "--data", _cli.Data)).ShouldBeFailure(2, $"{variable} is set; nothing was done", said);
        Directory.Exists(_cli.Data).ShouldBeFalse();
    }

    [Fact]
    public async Task A_variable_revokes_nothing_and_makes_nobody_an_administrator()
    {
        foreach (var variable in (string[])["PROOFKEY_REVOKE_ALL", "PROOFKEY_YES", "PROOFKEY_ADMIN"]) _cli.Environment[variable] = "true";
        (await _cli.RunWithAsync("correct horse battery\n", "user", "add", "alice", "--password-stdin", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        (await _cli.OutputOfAsync("user", "list", "--json", "--data", _cli.Data)).ShouldContain("\"admin\":false");
        (await _cli.RunAsync("key", "rotate", "--data", _cli.Data)).Errors.ShouldContain("What was signed before stays good");
    }

    [Fact]
    public async Task The_port_of_a_service_beside_us_is_none_of_ours_and_a_wrong_value_is_named_with_where_it_came_from()
    {
        string[] login = ["login", "https://127.0.0.1:1", "--client-id", "x"];
        _cli.Environment["PROOFKEY_PORT"] = "tcp://10.0.0.1:80";
        (await _cli.RunAsync(login)).ShouldBeFailure(6, "did not answer");
        _cli.Environment["PROOFKEY_PORT"] = "99999";
        (await _cli.RunAsync(login)).ShouldBeFailure(2, "--port (PROOFKEY_PORT) is a number");
        _cli.Environment["PROOFKEY_PORT"] = null;
        var file = _cli.Write("config.json", """{ "timeout": "soon" }""");
        (await _cli.RunAsync([.. login, "--config", file])).ShouldBeFailure(2, $"--timeout (timeout in {file}) is a length of time");
    }

    [Fact]
    public async Task A_switch_in_the_environment_is_on_or_off_and_nothing_else()
    {
        _cli.Environment["PROOFKEY_DATA"] = _cli.Data;
        await _cli.OutputOfAsync("database", "migrate");
        _cli.Environment["PROOFKEY_JSON"] = "true";
        (await _cli.OutputOfAsync("client", "list")).ShouldBe("[]");
        _cli.Environment["PROOFKEY_JSON"] = "0";
        (await _cli.OutputOfAsync("client", "list")).ShouldStartWith("client id");
        _cli.Environment["PROOFKEY_JSON"] = "maybe";
        (await _cli.RunAsync("client", "list")).ShouldBeFailure(2, "--json", "PROOFKEY_JSON");
    }
}
