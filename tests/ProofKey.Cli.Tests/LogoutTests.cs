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
    public async Task A_session_whose_key_is_not_to_be_had_is_not_called_signed_out()
    {
        await LoginAsync();
        File.Move(_cli.PathOf("session.key"), _cli.PathOf("elsewhere.key"));

        (await _cli.RunAsync("logout")).ShouldBeFailure(8, "session.key", "there is none");

        File.Exists(_cli.SessionFile).ShouldBeTrue();
        (await _cli.RunAsync("logout", "--key-file", _cli.PathOf("elsewhere.key"))).Errors.ShouldContain("Signed out of");
        File.Exists(_cli.SessionFile).ShouldBeFalse();
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
