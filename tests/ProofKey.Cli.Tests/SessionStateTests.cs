using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary>How long a session lasts and how it is kept, as <c>whoami</c> and <c>list</c> tell it.</summary>
public sealed class SessionStateTests : SignedInCli
{
    [Fact]
    public async Task Whoami_says_until_when_the_token_is_good_and_how_the_session_is_kept()
    {
        var end = (await Cli.SessionOfAsync()).ExpiresAt;
        var shown = await Cli.OutputOfAsync("whoami");
        shown.ShouldMatch($@"(?m)^token +until {end.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC \(in \d+ min\)$");
        foreach (var line in (string[])["renewable  yes", "bound      no", "kept with  key file"]) shown.Split('\n').ShouldContain(line);

        using var json = JsonDocument.Parse(await Cli.OutputOfAsync("whoami", "--json"));
        json.RootElement.GetProperty("expires_at").GetDateTimeOffset().ShouldBe(end);
        json.RootElement.GetProperty("renewable").GetBoolean().ShouldBeTrue();
        json.RootElement.GetProperty("bound").GetBoolean().ShouldBeFalse();
        json.RootElement.GetProperty("backend").GetString().ShouldBe("key_file");
    }

    [Fact]
    public async Task A_session_without_a_refresh_token_and_one_that_is_bound_are_told_apart()
    {
        await Cli.ChangeAsync("default", session => session with { RefreshToken = null });
        await LoginAsync("-p", "bound", "--dpop");
        (await Cli.OutputOfAsync("whoami")).ShouldContain("renewable  no");
        (await Cli.OutputOfAsync("whoami", "-p", "bound")).ShouldContain("bound      yes");

        using var json = JsonDocument.Parse(await Cli.OutputOfAsync("list", "--json"));
        json.RootElement.EnumerateArray().Select(profile => (profile.GetProperty("profile").GetString(), profile.GetProperty("renewable").GetBoolean(), profile.GetProperty("bound").GetBoolean(), profile.GetProperty("backend").GetString()))
            .ShouldBe([("bound", true, true, "key_file"), ("default", false, false, "key_file")]);
        json.RootElement[1].GetProperty("expires_at").GetDateTimeOffset().ShouldBe((await Cli.SessionOfAsync()).ExpiresAt);
        (await Cli.OutputOfAsync("list")).ShouldMatch(@"(?m)^default .* \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC +no +no +key file +yes$");
    }

    [Fact]
    public async Task Of_a_session_that_cannot_be_opened_is_told_what_its_file_says()
    {
        File.Move(Cli.PathOf("session.key"), Cli.PathOf("away.key"));
        using var json = JsonDocument.Parse(await Cli.OutputOfAsync("list", "--json"));
        json.RootElement[0].GetProperty("state").GetString().ShouldBe("key_missing");
        json.RootElement[0].GetProperty("backend").GetString().ShouldBe("key_file");
        json.RootElement[0].TryGetProperty("expires_at", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task What_keeps_a_session_shut_is_told_apart_from_a_lock()
    {
        Cli.Environment["PROOFKEY_KEY_FILE"] = Cli.WriteKey("other.key");
        (await Cli.OutputOfAsync("list")).ShouldMatch("(?m)^default .* wrong key ");
        File.Delete(Cli.PathOf("other.key"));
        (await Cli.OutputOfAsync("list")).ShouldMatch("(?m)^default .* key missing ");
        Cli.Environment["PROOFKEY_KEY_FILE"] = null;
        (await Cli.OutputOfAsync("list")).ShouldMatch("(?m)^default .* signed in ", customMessage: "the profile remembers its key file");
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("short")]
    [InlineData("exposed")]
    public async Task What_is_wrong_with_the_passphrase_is_not_wrong_with_the_session(string what)
    {
        var file = Cli.PathOf("passphrase");
        if (what != "absent") Cli.Write("passphrase", what == "short" ? "short\n" : "five words make a key\n");
        if (what != "absent") File.SetUnixFileMode(file, what == "short" ? UnixFileMode.UserRead : UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (Cli.Environment["PROOFKEY_KEY_FILE"], Cli.Environment["PROOFKEY_PASSPHRASE_FILE"]) = (null, file);

        using var json = JsonDocument.Parse(await Cli.OutputOfAsync("list", "--json"));
        json.RootElement[0].GetProperty("state").GetString().ShouldBe("locked");
        json.RootElement[0].GetProperty("issuer").GetString().ShouldBe(Server.Issuer);
        json.RootElement[0].GetProperty("backend").GetString().ShouldBe("key_file");
    }

    [Fact]
    public async Task A_key_that_others_can_read_is_no_damage_either()
    {
        File.SetUnixFileMode(Cli.PathOf("session.key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (await Cli.OutputOfAsync("list")).ShouldMatch($"(?m)^default +{Server.Issuer} .* exposed ");
    }

    [Fact]
    public async Task Two_keys_by_variables_are_an_error_and_no_state()
    {
        Cli.Environment["PROOFKEY_PASSPHRASE_FILE"] = Cli.PathOf("passphrase");
        (await Cli.RunAsync("list")).ShouldBeFailure(2, "one key");
    }

    [Fact]
    public async Task A_file_that_is_damaged_is_told_with_the_server_that_it_is_for()
    {
        await File.WriteAllTextAsync(Cli.SessionFile, "{ not a vault", TestContext.Current.CancellationToken);
        (await Cli.OutputOfAsync("list")).ShouldMatch($"(?m)^default +{Server.Issuer} .* damaged ");
    }

    [Fact]
    public async Task Where_the_server_tells_no_name_the_subject_is_not_called_one()
    {
        var subject = (await Cli.SessionOfAsync()).Subject!;
        await Server.StopAsync();
        var shown = (await Cli.OutputOfAsync("whoami")).Split('\n');
        shown.ShouldContain($"subject    {subject}");
        shown.ShouldNotContain(line => line.StartsWith("name ", StringComparison.Ordinal));
    }
}
