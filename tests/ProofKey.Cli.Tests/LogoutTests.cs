using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary><c>proofkey logout</c> ends the session that is there, whatever else was said or came to be remembered.</summary>
public sealed class LogoutTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync(_cli);
        await _server.AddAliceAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task A_variable_that_says_memory_hides_no_session_from_logout()
    {
        await LoginAsync();
        var token = await _cli.OutputOfAsync("token");
        _cli.Environment["PROOFKEY_STORE"] = "memory";

        (await _cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {_server.Issuer}");

        File.Exists(_cli.SessionFile).ShouldBeFalse();
        (await IsGoodAsync(token)).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task A_sign_in_that_kept_nothing_does_not_hide_the_session_that_is_kept()
    {
        await LoginAsync();
        var token = await _cli.OutputOfAsync("token");
        await LoginAsync("--store", "memory");
        _cli.Environment["PROOFKEY_STORE"] = null;
        _cli.Environment["PROOFKEY_KEY_FILE"] = null;

        (await _cli.OutputOfAsync("token")).ShouldBe(token);
        (await _cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {_server.Issuer}");

        File.Exists(_cli.SessionFile).ShouldBeFalse();
        (await IsGoodAsync(token)).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task A_session_for_another_scope_than_the_profile_remembers_is_ended_too()
    {
        await LoginAsync();
        var token = await _cli.OutputOfAsync("token");
        await _cli.ChangeAsync("default", session => session with { AskedScope = "openid" });

        (await _cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {_server.Issuer}");

        File.Exists(_cli.SessionFile).ShouldBeFalse();
        (await IsGoodAsync(token)).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task A_session_for_other_APIs_or_with_a_key_of_its_own_is_ended_too()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        Func<StoredSession, StoredSession>[] differs =
        [
            session => session with { DpopKey = Base64UrlText.Encode(key.ExportPkcs8PrivateKey()) },
            session => session with { Resource = "https://a.example/", FurtherResources = ["https://b.example/"] },
        ];
        foreach (var change in differs)
        {
            await LoginAsync();
            var token = await _cli.OutputOfAsync("token");
            await _cli.ChangeAsync("default", change);

            (await _cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {_server.Issuer}");

            File.Exists(_cli.SessionFile).ShouldBeFalse();
            (await IsGoodAsync(token)).ShouldBeFalse();
        }
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task A_profile_for_several_APIs_ends_a_session_that_is_for_none()
    {
        await LoginAsync();
        await ChangeProfileAsync(profile => profile with { Resources = ["https://a.example/", "https://b.example/"] });

        (await _cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {_server.Issuer}");

        File.Exists(_cli.SessionFile).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task A_session_of_a_first_sign_in_that_was_killed_before_its_profile_was_written_is_ended_too()
    {
        await LoginAsync();
        var token = await _cli.OutputOfAsync("token");
        File.Delete(ProfileFile);

        (await _cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {_server.Issuer}");

        File.Exists(_cli.SessionFile).ShouldBeFalse();
        (await IsGoodAsync(token)).ShouldBeFalse();
        (await _cli.RunAsync("logout")).ShouldBeFailure(4, "Nobody has signed in here yet");
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task A_session_whose_key_is_not_to_be_had_is_not_called_signed_out()
    {
        await LoginAsync();
        File.Move(_cli.PathOf("session.key"), _cli.PathOf("elsewhere.key"));

        (await _cli.RunAsync("logout")).ShouldBeFailure(8, "session.key", "there is none");

        File.Exists(_cli.SessionFile).ShouldBeTrue();
        (await _cli.RunAsync("logout", "--key-file", _cli.PathOf("elsewhere.key"))).Errors.ShouldContain("Signed out of");
        File.Exists(_cli.SessionFile).ShouldBeFalse();
    }

    private string ProfileFile => Path.Combine(Path.GetDirectoryName(_cli.SessionFile)!, "profile.json");

    private async Task ChangeProfileAsync(Func<Sessions.Profile, Sessions.Profile> change)
    {
        var profile = JsonSerializer.Deserialize(await File.ReadAllTextAsync(ProfileFile, TestContext.Current.CancellationToken), Sessions.ProfileJson.Default.Profile)!;
        await File.WriteAllTextAsync(ProfileFile, JsonSerializer.Serialize(change(profile), Sessions.ProfileJson.Default.Profile), TestContext.Current.CancellationToken);
    }

    private async Task<bool> IsGoodAsync(string token)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var answer = await http.GetAsync(new Uri($"{_server.Issuer}/userinfo"), TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode;
    }

    private async Task LoginAsync(params string[] options)
    {
        await using var login = _cli.Start(["login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--no-browser", .. options]);
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
    }
}
