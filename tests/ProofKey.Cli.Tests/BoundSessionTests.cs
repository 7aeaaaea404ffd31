using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Cli.Demo;

namespace ProofKey.Cli.Tests;

/// <summary><c>login --dpop</c>: a session whose tokens are worth nothing without its key, against <c>proofkey serve</c> and an API that checks proofs.</summary>
public sealed class BoundSessionTests : IAsyncLifetime
{
    private const string Scope = $"openid profile offline_access {DemoApi.Scope}";

    private readonly Cli _cli = new();
    private TestServer _server = null!;
    private string _client = "";

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync(_cli);
        await _server.AddAliceAsync();
        _client = await _server.AddClientAsync("--dpop", "--audience", DemoApi.Audience, "--scope", Scope);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    [Assertion("DP-03")]
    [Rfc("RFC 9449", "7.1")]
    public async Task A_client_that_must_prove_possession_signs_in_and_calls_an_API_that_nobody_else_can_call()
    {
        (await LoginAsync("--dpop")).ExitCode.ShouldBe(0);
        await using var api = await DemoApi.StartAsync(_server.Issuer, TestContext.Current.CancellationToken);

        (await _cli.OutputOfAsync("call", "GET", api.Orders.AbsoluteUri)).ShouldStartWith("2 orders of ");

        var printed = await _cli.RunAsync("token", "-o", "json");
        printed.Errors.ShouldContain("bound to the key of its session");
        using var json = JsonDocument.Parse(printed.Output);
        json.RootElement.GetProperty("token_type").GetString().ShouldBe("DPoP");
        var token = json.RootElement.GetProperty("access_token").GetString();
        (await _cli.OutputOfAsync("token", "-o", "header")).ShouldBe($"Authorization: DPoP {token}");
        (await _cli.RunAsync("exec", "--", "true")).Errors.ShouldContain("bound to the key of its session");
        using var thief = new HttpClient();
        thief.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var refused = await thief.GetAsync(api.Orders, TestContext.Current.CancellationToken);
        ((int)refused.StatusCode).ShouldBe(401);
    }

    [Fact]
    [Rfc("RFC 9449", "5")]
    public async Task Its_key_is_kept_with_the_session_renews_it_and_is_never_shown()
    {
        (await LoginAsync("--dpop")).ExitCode.ShouldBe(0);
        var stored = await _cli.SessionOfAsync();
        await _cli.ChangeAsync("default", session => session with { ExpiresAt = DateTimeOffset.UnixEpoch });

        (await _cli.OutputOfAsync("whoami")).ShouldContain("alice");

        var renewed = await _cli.SessionOfAsync();
        renewed.AccessToken.ShouldNotBe(stored.AccessToken);
        renewed.DpopKey.ShouldBe(stored.DpopKey.ShouldNotBeNull());
        string[] shown = [await _cli.OutputOfAsync("whoami", "--json"), await _cli.OutputOfAsync("list", "--json"), await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(_cli.SessionFile)!, "profile.json"), TestContext.Current.CancellationToken)];
        shown.ShouldAllBe(text => !text.Contains(stored.DpopKey, StringComparison.Ordinal));
        (await _cli.RunAsync("logout")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Without_the_option_such_a_client_is_told_of_it()
    {
        var outcome = await LoginAsync();

        outcome.ShouldBeFailure(5, "invalid_dpop_proof", "--dpop");
    }

    [Fact]
    public async Task The_profile_remembers_it_and_a_second_sign_in_can_take_it_back()
    {
        (await LoginAsync("--dpop")).ExitCode.ShouldBe(0);
        _client = "";
        (await LoginAsync()).ExitCode.ShouldBe(0);
        (await _cli.SessionOfAsync()).DpopKey.ShouldNotBeNull();

        _client = await _server.AddClientAsync("--audience", DemoApi.Audience, "--scope", Scope);
        (await LoginAsync("--dpop=false")).ExitCode.ShouldBe(0);
        (await _cli.SessionOfAsync()).DpopKey.ShouldBeNull();
    }

    [Fact]
    [Rfc("RFC 9126", "6")]
    public async Task A_client_that_must_push_its_requests_signs_in()
    {
        _client = await _server.AddClientAsync("--require-par", "--scope", Scope);

        (await LoginAsync()).ExitCode.ShouldBe(0);

        (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_device_signs_in_for_bound_tokens_too()
    {
        var client = await _server.AddClientAsync("--device", "--dpop");
        await using var login = _cli.Start("login", _server.Issuer, "--client-id", client, "--device", "--dpop");
        var code = (await login.UntilAsync(new(@"enter the code (\S+)"))).Groups[1].Value;

        await ScriptedBrowser.EnterAsync(new Uri($"{_server.Issuer}/device?user_code={code}"));

        (await login.EndAsync()).ExitCode.ShouldBe(0);
        (await _cli.SessionOfAsync()).DpopKey.ShouldNotBeNull();
    }

    [Fact]
    public async Task An_API_that_knows_no_bound_tokens_is_named_as_one()
    {
        (await LoginAsync("--dpop")).ExitCode.ShouldBe(0);
        await using var api = await TestApi.StartAsync(context =>
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            return context.Response.WriteAsync("no");
        });

        var outcome = await _cli.RunAsync("call", "GET", api.Address);

        outcome.ExitCode.ShouldBe(1);
        outcome.Errors.ShouldContain("no tokens that are bound to a key. Sign in for others: proofkey login --dpop=false");
        api.Seen.ShouldAllBe(request => request.Authorization!.StartsWith("DPoP ", StringComparison.Ordinal));
    }

    private async Task<Outcome> LoginAsync(params string[] options)
    {
        string[] who = _client.Length == 0 ? [] : [_server.Issuer, "--client-id", _client, "--scope", Scope];
        await using var login = _cli.Start(["login", .. who, "--no-browser", .. options]);
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        return await login.EndAsync();
    }
}
