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
        await _cli.OutputOfAsync("client", "list", "--config", file);
        Directory.Exists(_cli.PathOf("from-file")).ShouldBeTrue();

        _cli.Environment["PROOFKEY_CONFIG"] = file;
        _cli.Environment["PROOFKEY_DATA"] = _cli.PathOf("from-environment");
        await _cli.OutputOfAsync("client", "list");
        Directory.Exists(_cli.PathOf("from-environment")).ShouldBeTrue();

        await _cli.OutputOfAsync("client", "list", "--data", _cli.PathOf("from-line"));
        Directory.Exists(_cli.PathOf("from-line")).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_any_the_data_folder_is_where_the_system_keeps_data()
    {
        await _cli.OutputOfAsync("client", "list");
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

    [Fact]
    public async Task A_switch_in_the_environment_is_on_or_off_and_nothing_else()
    {
        _cli.Environment["PROOFKEY_DATA"] = _cli.Data;
        _cli.Environment["PROOFKEY_JSON"] = "true";
        (await _cli.OutputOfAsync("client", "list")).ShouldBe("[]");
        _cli.Environment["PROOFKEY_JSON"] = "0";
        (await _cli.OutputOfAsync("client", "list")).ShouldStartWith("client id");
        _cli.Environment["PROOFKEY_JSON"] = "maybe";
        (await _cli.RunAsync("client", "list")).ShouldBeFailure(2, "--json", "PROOFKEY_JSON");
    }
}
