using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Cli.Demo;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary>What an API asks of a session, and how <c>login</c> gives it: a token for it, a better sign-in, a wider scope.</summary>
public sealed class ApiDemandTests : IAsyncLifetime
{
    private const string Scope = $"openid profile email offline_access {DemoApi.Scope}";

    private readonly Cli _cli = new();
    private TestServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

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
    [Rfc("RFC 8707", "2")]
    public async Task A_token_for_one_API_is_asked_for_by_its_name_and_the_profile_remembers_it()
    {
        (await _cli.RunAsync("resource", "add", DemoApi.Audience, "--name", "Orders", "--scope", DemoApi.Scope, "--data", _cli.Data)).ExitCode.ShouldBe(0);
        (await LoginAsync("--scope", Scope, "--resource", DemoApi.Audience)).ExitCode.ShouldBe(0);
        await using var api = await DemoApi.StartAsync(_server.Issuer, Cancel);

        (await _cli.OutputOfAsync("call", "GET", api.Orders.AbsoluteUri)).ShouldStartWith("2 orders of ");

        DecodedToken.TryRead(await _cli.OutputOfAsync("token"), out var token, out _).ShouldBeTrue();
        token.Claims.ShouldContain($"\"aud\": \"{DemoApi.Audience}\"");
        (await AgainAsync()).ExitCode.ShouldBe(0);
        (await _cli.SessionOfAsync()).Resource.ShouldBe(DemoApi.Audience);
    }

    [Fact]
    [Rfc("RFC 8707", "2")]
    public async Task What_the_server_does_not_grant_is_said_before_anybody_is_asked()
    {
        (await LoginAsync(browses: false, "--resource", "https://unknown.example/")).ShouldBeFailure(5, "invalid_target", "resource that the server knows");
        (await LoginAsync(browses: false, "--resource", "orders")).ShouldBeFailure(2, "--resource is an absolute address");
        (await LoginAsync(browses: false, "--resource", "https://a.example/", "--resource", "https://b.example/")).ShouldBeFailure(5, "invalid_target");
    }

    [Fact]
    [Rfc("RFC 9470", "3"), Rfc("RFC 9470", "4")]
    public async Task An_API_that_wants_a_better_sign_in_gets_it_by_the_command_that_is_printed()
    {
        await LoginAsync();
        var first = $"Bearer {await _cli.OutputOfAsync("token")}";
        await using var api = await TestApi.StartAsync(context =>
        {
            if (context.Request.Headers.Authorization != first) return context.Response.WriteAsync("paid");
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:proofkey:acr:password\", max_age=\"0\"";
            return Task.CompletedTask;
        });

        (await _cli.RunAsync("call", "POST", api.Address)).ShouldBeFailure(4, "the API asks for acr_values=urn:proofkey:acr:password max_age=0", "proofkey login --acr-values urn:proofkey:acr:password --max-age 0s\n");
        (await AgainAsync("--acr-values", "urn:proofkey:acr:password", "--max-age", "0s")).ExitCode.ShouldBe(0);

        (await _cli.OutputOfAsync("call", "POST", api.Address)).ShouldBe("paid");
        (await _cli.SessionOfAsync()).Claims!.Value.GetProperty("acr").GetString().ShouldBe("urn:proofkey:acr:password");
    }

    [Fact]
    [Rfc("RFC 9470", "4")]
    public async Task A_sign_in_of_another_kind_is_refused_and_the_session_stays()
    {
        await LoginAsync();
        var before = (await _cli.SessionOfAsync()).Id;

        var outcome = await AgainAsync("--acr-values", "urn:example:never");

        outcome.ExitCode.ShouldBe(7, outcome.ToString());
        outcome.Errors.ShouldContain("its acr is urn:proofkey:acr:password");
        outcome.Errors.ShouldContain("docs/errors/id_token_acr.md");
        (await _cli.SessionOfAsync()).Id.ShouldBe(before);
        (await _cli.RunAsync("login", "--device", "--max-age", "0s")).ShouldBeFailure(2, "A device code cannot be asked for");
        (await _cli.RunAsync("login", "--acr-values", "a\"b")).ShouldBeFailure(2, "nothing to ask of a sign-in");
    }

    [Fact]
    [Rfc("RFC 6750", "3.1")]
    public async Task A_wider_scope_is_asked_for_in_a_command_that_is_safe_to_copy()
    {
        await LoginAsync("--scope", "openid profile");
        await using var api = await TestApi.StartAsync(context =>
        {
            context.Response.StatusCode = 403;
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\", scope=\"orders.read $(id)';id;'\"";
            return Task.CompletedTask;
        });

        var outcome = await _cli.RunAsync("call", "GET", api.Address);

        outcome.ShouldBeFailure(4, "the API asks for the scope orders.read", @"proofkey login --scope 'openid profile orders.read $(id)'\'';id;'\'''");
    }

    [Fact]
    [Assertion("RS-16")]
    [Rfc("RFC 9728", "5.1")]
    public async Task An_API_that_says_which_servers_it_takes_tokens_of_is_heard_and_nothing_is_done_by_itself()
    {
        await LoginAsync();
        string[] servers = ["https://elsewhere.example"];
        var about = "";
        await using var api = await TestApi.StartAsync(context =>
        {
            if (context.Request.Path.StartsWithSegments("/.well-known")) return context.Response.WriteAsJsonAsync(new { resource = about, authorization_servers = servers }, Cancel);
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = $"Bearer error=\"invalid_request\", resource_metadata=\"{context.Request.Scheme}://{context.Request.Host}/.well-known/oauth-protected-resource/orders\"";
            return Task.CompletedTask;
        });
        var orders = $"{api.Address}/orders";

        about = orders;
        var elsewhere = await _cli.RunAsync("call", "GET", orders);
        elsewhere.ExitCode.ShouldBe(1);
        elsewhere.Errors.ShouldContain($"The API takes tokens of https://elsewhere.example, and this profile is of {_server.Issuer}. If you trust them, sign in there: proofkey login https://elsewhere.example --client-id ID --resource {orders} -p ANOTHER-PROFILE");
        servers = [_server.Issuer];
        (await _cli.RunAsync("call", "GET", orders)).Errors.ShouldContain($"Sign in for one: proofkey login --resource {orders}");
        about = "https://victim.example/";
        (await _cli.RunAsync("call", "GET", orders)).Errors.ShouldContain("they are about https://victim.example/. docs/errors/resource_other.md");
        api.Seen.Where(request => request.Path.StartsWith("/.well-known", StringComparison.Ordinal)).ShouldAllBe(request => request.Authorization == null);
    }

    [Fact]
    public async Task Of_several_APIs_the_one_that_is_called_gets_its_own_token()
    {
        await LoginAsync();
        await using var api = await TestApi.StartAsync(context => context.Response.WriteAsync("fine"));
        var orders = $"{api.Address}/orders";
        string[] names = ["https://first.example/", orders, api.Address];
        await _cli.ChangeAsync("default", session => session with
        {
            Resource = names[0],
            FurtherResources = names[1..],
            FurtherTokens = names[1..].ToDictionary(name => name, name => new ProofKey.Client.HeldToken($"token-for-{name.Length}", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddHours(1))),
        });
        var file = Path.Combine(Path.GetDirectoryName(_cli.SessionFile)!, "profile.json");
        var profile = JsonSerializer.Deserialize(await File.ReadAllTextAsync(file, Cancel), Sessions.ProfileJson.Default.Profile)! with { Resources = names };
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(profile, Sessions.ProfileJson.Default.Profile), Cancel);

        foreach (var path in (string[])["/orders", "/orders/7?x=1", "/ordersother", "/"]) await _cli.OutputOfAsync("call", "GET", api.Address + path);

        (await _cli.OutputOfAsync("token", "--resource", orders)).ShouldBe($"token-for-{orders.Length}");
        (await _cli.OutputOfAsync("exec", "--resource", orders, "--", "sh", "-c", "printf %s $ACCESS_TOKEN")).ShouldBe($"token-for-{orders.Length}");
        _cli.Environment["PROOFKEY_RESOURCE"] = orders;
        (await _cli.OutputOfAsync("token")).ShouldBe((await _cli.SessionOfAsync()).AccessToken);
        // A file that login reads too may have it; it is login's.
        (await _cli.OutputOfAsync("token", "--config", _cli.Write("config.json", JsonSerializer.Serialize(new { resource = names })))).ShouldBe((await _cli.SessionOfAsync()).AccessToken);
        (await _cli.RunAsync("token", "--resource", "https://other.example/")).ShouldBeFailure(2, "Profile default is not for the API https://other.example/", $"It is for {names[0]} and {orders} and {api.Address}");

        api.Seen.Select(request => request.Authorization).ShouldBe(
            [$"Bearer token-for-{orders.Length}", $"Bearer token-for-{orders.Length}", $"Bearer token-for-{api.Address.Length}", $"Bearer token-for-{api.Address.Length}"]);
    }

    private Task<Outcome> LoginAsync(params string[] options) => LoginAsync(browses: true, options);

    private async Task<Outcome> LoginAsync(bool browses, params string[] options)
    {
        var client = await _server.AddClientAsync("--scope", Scope);
        return await EndAsync(browses, ["login", _server.Issuer, "--client-id", client, "--no-browser", .. options]);
    }

    private Task<Outcome> AgainAsync(params string[] options) => EndAsync(browses: true, ["login", "--no-browser", .. options]);

    private async Task<Outcome> EndAsync(bool browses, string[] arguments)
    {
        await using var login = _cli.Start(arguments);
        using var browser = new ScriptedBrowser();
        if (browses) await browser.SignInAsync(login);
        return await login.EndAsync();
    }
}
