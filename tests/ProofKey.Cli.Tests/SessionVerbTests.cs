using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Cli.Tests;

/// <summary>What a person does with the program from <c>login</c> to <c>logout</c>, against <c>proofkey serve</c>.</summary>
public sealed class SessionVerbTests : IAsyncLifetime
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
    public async Task A_person_signs_in_is_known_gets_a_token_and_signs_out()
    {
        var login = await LoginAsync("--json");
        using (var json = JsonDocument.Parse(login.Output))
        {
            json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(["profile", "issuer", "client_id", "sub", "name", "scope", "expires_at"]);
            login.Errors.ShouldContain($"Signed in as alice ({json.RootElement.GetProperty("sub").GetString()}) at {_server.Issuer}; profile default.");
        }
        (await _cli.OutputOfAsync("whoami")).ShouldContain("alice@example.com");
        (await _cli.OutputOfAsync("whoami", "--json")).ShouldContain("\"preferred_username\":\"alice\"");
        (await _cli.OutputOfAsync("list")).ShouldContain("signed in");

        var token = await _cli.OutputOfAsync("token");
        token.Split('.').Length.ShouldBe(3);
        (await _cli.OutputOfAsync("token", "-o", "header")).ShouldBe($"Authorization: Bearer {token}");
        (await _cli.OutputOfAsync("token", "-o", "env")).ShouldBe($"export ACCESS_TOKEN={token}");
        using (var json = JsonDocument.Parse(await _cli.OutputOfAsync("token", "-o", "json", "--min-valid", "5m")))
            json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(["access_token", "token_type", "expires_at", "scope"]);
        (await _cli.RunAsync("token", "-o", "yaml")).ShouldBeFailure(2, "--output is not yaml", "token or header or json or env");
        (await _cli.RunAsync("token", "--min-valid", "soon")).ShouldBeFailure(2, "--min-valid", "90s");

        (await _cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {_server.Issuer}");
        (await _cli.RunAsync("token")).ShouldBeFailure(4, "Nobody has signed in here yet", "proofkey login");
        (await _cli.OutputOfAsync("list", "--json")).ShouldBe("[]");
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var revoked = await http.GetAsync(new Uri($"{_server.Issuer}/userinfo"), TestContext.Current.CancellationToken);
        ((int)revoked.StatusCode).ShouldBe(401);
    }

    [Fact]
    public async Task The_address_comes_before_the_browser_and_the_browser_gets_the_same_one()
    {
        var opened = _cli.PathOf("opened");
        _cli.Environment["BROWSER"] = _cli.Write("browser", $"#!/bin/sh\nprintf '%s' \"$1\" > {opened}\n");
        File.SetUnixFileMode(_cli.PathOf("browser"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await using var login = _cli.Start("login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--browser");
        var address = (await login.UntilAsync(ScriptedBrowser.Address())).Value;
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
        (await File.ReadAllTextAsync(opened, TestContext.Current.CancellationToken)).ShouldBe(address);
    }

    [Fact]
    public async Task Where_no_browser_can_be_opened_the_person_is_told()
    {
        _cli.Environment["BROWSER"] = "/nonexistent/browser";
        await using var login = _cli.Start("login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--browser");
        await login.UntilAsync(new("No browser could be opened"));
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_profile_keeps_what_it_is_for_and_profiles_do_not_mix()
    {
        await LoginAsync("-p", "work", "--scope", "openid profile");
        (await _cli.RunAsync("token")).ShouldBeFailure(4, "There is no profile default.", "The profiles are work");
        (await _cli.RunAsync("token", "-p", "play")).ShouldBeFailure(4, "There is no profile play", "work");
        (await _cli.OutputOfAsync("token", "-p", "work")).ShouldNotBeEmpty();
        _cli.Environment["PROOFKEY_PROFILE"] = "work";
        (await _cli.OutputOfAsync("whoami")).ShouldMatch("scope +openid profile\n");
        await using var again = _cli.Start("login", "--no-browser");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(again);
        (await again.EndAsync()).Errors.ShouldContain("profile work.");
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task Sessions_can_be_kept_in_another_folder()
    {
        _cli.Environment["PROOFKEY_SESSIONS"] = _cli.PathOf("elsewhere");
        await LoginAsync();
        File.Exists(_cli.PathOf("elsewhere/default/default.vault")).ShouldBeTrue();
        File.GetUnixFileMode(_cli.PathOf("elsewhere/default/default.vault")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Exists(_cli.SessionFile).ShouldBeFalse();
    }

    [Fact]
    public async Task A_session_that_the_server_ended_asks_for_a_new_sign_in_under_its_profile()
    {
        await LoginAsync("-p", "work");
        (await _cli.RunAsync("user", "remove", "alice", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        (await _cli.RunAsync("whoami", "-p", "work")).ShouldBeFailure(4, "session has ended", "proofkey login -p work");
        (await _cli.OutputOfAsync("list")).ShouldContain("signed out");
        (await _cli.RunAsync("logout", "-p", "work")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_session_of_another_client_is_ended_under_its_profile_alone()
    {
        await LoginAsync("-p", "work");
        await _cli.ChangeAsync("work", session => session with { ClientId = "another" });

        var refused = await _cli.RunAsync("token", "-p", "work", "--interactive");

        refused.ShouldBeFailure(8, "another", "Sign in again with: proofkey login -p work, which takes its place; or sign out first with: proofkey logout -p work\n");
        refused.Errors.ShouldNotContain("/authorize");
    }

    [Fact]
    public async Task Signing_out_while_the_server_is_away_forgets_the_session_and_says_what_remains()
    {
        await LoginAsync();
        await _server.StopAsync();
        var outcome = await _cli.RunAsync("logout");
        outcome.ExitCode.ShouldBe(0);
        var server = new Uri(_server.Issuer).Authority;
        outcome.Errors.ReplaceLineEndings(" ").Trim().ShouldBe($"Signed out here; profile default is forgotten. The tokens were not revoked, since {server} could not be reached (ConnectionError); they end by themselves.");
        (await _cli.RunAsync("token")).ExitCode.ShouldBe(4);
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task An_API_is_called_with_the_token_the_headers_and_the_body()
    {
        await LoginAsync();
        await using var api = await TestApi.StartAsync(context => context.Response.WriteAsync("two orders\n"));
        var called = await _cli.RunAsync("call", "GET", $"{api.Address}/orders", "-H", "Accept: text/plain");
        called.ExitCode.ShouldBe(0, called.ToString());
        called.Output.ShouldBe("two orders\n");
        called.Errors.ShouldBe($"The token is meant for {_server.Issuer}/, and goes to {api.Address}/orders.\n200 OK\n", "the default audience is the server itself");
        await _cli.OutputOfAsync("call", "post", $"{api.Address}/orders", "-d", "{\"item\":7}");
        await _cli.OutputOfAsync("call", "PUT", $"{api.Address}/orders", "-d", $"@{_cli.Write("order.csv", "7;1")}", "-H", "Content-Type: text/csv");
        (await _cli.RunWithAsync("from stdin", "call", "PATCH", $"{api.Address}/orders", "-d", "-")).ExitCode.ShouldBe(0);

        var bearer = $"Bearer {await _cli.OutputOfAsync("token")}";
        api.Seen.ShouldBe(
        [
            new SeenRequest("GET", "/orders", bearer, null, "text/plain", ""),
            new SeenRequest("POST", "/orders", bearer, "application/json", null, "{\"item\":7}"),
            new SeenRequest("PUT", "/orders", bearer, "text/csv", null, "7;1"),
            new SeenRequest("PATCH", "/orders", bearer, "application/json", null, "from stdin"),
        ]);
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task The_token_does_not_follow_a_redirect_to_another_origin()
    {
        await LoginAsync();
        await using var other = await TestApi.StartAsync(context => context.Response.WriteAsync("elsewhere"));
        await using var api = await TestApi.StartAsync(context =>
        {
            context.Response.Redirect($"{other.Address}/orders");
            return Task.CompletedTask;
        });
        (await _cli.OutputOfAsync("call", "GET", $"{api.Address}/orders")).ShouldBe("elsewhere");
        api.Seen.Single().Authorization.ShouldNotBeNull();
        other.Seen.Single().Authorization.ShouldBeNull();
    }

    [Theory]
    [InlineData(401, "meant for this API")]
    [InlineData(403, "--scope")]
    [InlineData(500, "500 Internal Server Error")]
    public async Task An_APIs_error_is_printed_with_exit_code_1(int status, string said)
    {
        await LoginAsync();
        await using var api = await TestApi.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("sorry");
        });
        var outcome = await _cli.RunAsync("call", "GET", api.Address);
        outcome.ExitCode.ShouldBe(1);
        outcome.Output.ShouldBe("sorry");
        outcome.Errors.ShouldContain(said);
    }

    [Fact]
    public async Task A_hint_names_the_profile_that_was_meant()
    {
        await LoginAsync("-p", "work");
        await using var api = await TestApi.StartAsync(context =>
        {
            context.Response.StatusCode = context.Request.Path == "/orders" ? 401 : 403;
            return Task.CompletedTask;
        });
        (await _cli.RunAsync("call", "-p", "work", "GET", api.Address)).Errors.ShouldContain("proofkey login -p work --scope");
        (await _cli.RunAsync("call", "-p", "work", "GET", $"{api.Address}/orders")).Errors.ShouldContain("proofkey token -p work | proofkey decode -");
        File.Delete(_cli.SessionFileOf("work"));
        (await _cli.RunAsync("token", "-p", "work", "--interactive", "--no-input")).ShouldBeFailure(4, "proofkey login -p work\n");
    }

    [Fact]
    public async Task Who_waited_for_a_sign_in_that_came_to_nothing_is_told_the_command_of_the_profile()
    {
        await LoginAsync("-p", "work");
        File.Delete(_cli.SessionFileOf("work"));
        await using var asking = _cli.Start("token", "-p", "work", "--interactive");
        await asking.UntilAsync(ScriptedBrowser.Address());
        await using var waiting = _cli.Start("token", "-p", "work", "--interactive");
        await waiting.UntilAsync(new("Another program asks"));
        asking.PressControlC();
        var outcome = await waiting.EndAsync();
        outcome.ExitCode.ShouldBe(3, outcome.ToString());
        outcome.Errors.ShouldContain("Sign in again with: proofkey login -p work\n");
    }

    [Fact]
    public async Task A_token_that_is_no_Unicode_warns_of_nothing_and_is_sent()
    {
        await LoginAsync();
        var token = $"e30.{Base64UrlText.Encode("""{"aud":"\ud800"}"""u8)}.x";
        await _cli.ChangeAsync("default", session => session with { AccessToken = token });
        await using var api = await TestApi.StartAsync(context => context.Response.WriteAsync("fine"));
        (await _cli.OutputOfAsync("call", "GET", api.Address)).ShouldBe("fine");
    }

    [Fact]
    public async Task Who_is_signed_in_is_said_to_be_of_the_sign_in_when_the_server_is_away()
    {
        await LoginAsync();
        await _server.StopAsync();
        var outcome = await _cli.RunAsync("whoami");
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldContain("could not be reached");
        outcome.Errors.ShouldContain("this is of the sign-in");
    }

    [Fact]
    public async Task A_call_that_cannot_be_is_explained()
    {
        await LoginAsync();
        (await _cli.RunAsync("call", "GET", "http://api.example.com/")).ShouldBeFailure(2, "over https", "https://");
        (await _cli.RunAsync("call", "GET", "orders")).ShouldBeFailure(2, "over https", "https://");
        (await _cli.RunAsync("call", "http://127.0.0.1/", "GET")).ShouldBeFailure(2, "over https");
        (await _cli.RunAsync("call", "GET", "http://127.0.0.1/", "-H", "Authorization: Basic eA==")).ShouldBeFailure(2, "Authorization");
        (await _cli.RunAsync("call", "GET", "http://127.0.0.1/", "-H", "nonsense")).ShouldBeFailure(2, "NAME: VALUE");
        (await _cli.RunAsync("call", "GET", "http://127.0.0.1/", "-H", "X-Name: José")).ShouldBeFailure(2, "in ASCII");
        (await _cli.RunAsync("call", "POST", "http://127.0.0.1/", "-d", "@/nonexistent")).ShouldBeFailure(2, "There is no file");
        (await _cli.RunAsync("call", "GET", $"http://127.0.0.1:{TestServer.FreePort()}/")).ShouldBeFailure(6, "could not be reached", "network");
    }

    private async Task<Outcome> LoginAsync(params string[] options)
    {
        await using var login = _cli.Start(["login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--no-browser", .. options]);
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        return outcome;
    }
}
