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
