namespace ProofKey.Cli.Tests;

/// <summary>Servers that do not name themselves in their answers, each with a profile of its own.</summary>
public sealed class SilentServerTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private ScriptedServer _first = null!;
    private ScriptedServer _second = null!;

    public async ValueTask InitializeAsync()
    {
        (_first, _second) = (await ScriptedServer.StartAsync(), await ScriptedServer.StartAsync());
        foreach (var server in (ScriptedServer[])[_first, _second])
        {
            // Then the address that is printed holds no state.
            server.TakesPushed = true;
            server.SpoilMetadata = metadata => metadata.Remove("authorization_response_iss_parameter_supported");
            server.SpoilCallback = answer => answer.RemoveAll(parameter => parameter.Key == "iss");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task The_second_one_gets_a_path_of_its_own()
    {
        await SignInAsync(_first);

        var refused = await _cli.RunAsync("login", _second.Issuer.Value, "--client-id", ScriptedServer.ClientId, "-p", "second", "--no-browser");
        refused.ShouldBeFailure(7, _first.Issuer.Value, "--redirect-path /callback/second");
        refused.Errors.ShouldContain("docs/errors/redirect_shared.md");
        _second.AuthorizeRequests.ShouldBeEmpty();

        await SignInAsync(_second, "-p", "second", "--redirect-path", "/callback/second");
        // And remembers it.
        await SignInAsync(_second, "-p", "second");
        _second.Pushed.ShouldAllBe(request => new Uri(request["redirect_uri"]!).AbsolutePath == "/callback/second");
        // As the first does its own.
        await SignInAsync(_first);
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task A_server_that_was_signed_out_of_is_in_nobodys_way()
    {
        await SignInAsync(_first);
        await _cli.OutputOfAsync("logout");
        await SignInAsync(_second);
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task A_server_that_stops_naming_itself_is_looked_at_whoever_signs_in()
    {
        await SignInAsync(_first);
        (_second.SpoilMetadata, _second.SpoilCallback, _second.GivesRefreshTokens) = (null, null, false);
        await SignInAsync(_second, "-p", "second");
        _second.SpoilMetadata = metadata => metadata.Remove("authorization_response_iss_parameter_supported");

        await _cli.ChangeAsync("second", session => session with { ExpiresAt = TimeProvider.System.GetUtcNow().AddHours(-1) });

        var refused = await _cli.RunAsync("token", "--interactive", "-p", "second");

        refused.ShouldBeFailure(7, "--redirect-path /callback/second");
        _second.AuthorizeRequests.Count.ShouldBe(1);
    }

    private async Task SignInAsync(ScriptedServer server, params string[] more)
    {
        await using var login = _cli.Start(["login", server.Issuer.Value, "--client-id", ScriptedServer.ClientId, "--scope", "openid", "--no-browser", .. more]);
        using var browser = new HttpClient();
        using var page = await browser.GetAsync(new Uri((await login.UntilAsync(ScriptedBrowser.Address())).Value), TestContext.Current.CancellationToken);
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
    }
}
