using System.Text.Json;
using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>The documents' programs (samples/seeds), run as they are, against the real server.</summary>
public sealed partial class SeedProgramTests(RunningServer server) : IAsyncLifetime
{
    private const string Application = "https://your-app.example/callback";

    [GeneratedRegex(@"http://localhost:\d+/")]
    private static partial Regex HomeAddress { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await PythonProgram.RequireAsync(Cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Document_000_signs_in_with_a_listener_on_localhost()
    {
        var redirectUri = $"http://localhost:{RunningServer.FreePort()}/callback";
        var client = await RegisterAsync(redirectUri);
        await using var program = PythonProgram.Start("000_loopback.py", server, client, redirectUri);
        using var person = new Person();

        var answer = await person.AnswerAsync(await RequestOfAsync(program), Cancellation);
        using var page = await person.OpenAsync(answer, Cancellation);
        await program.WriteLineAsync("");
        var result = await program.ExitAsync(Cancellation);

        page.IsSuccessStatusCode.ShouldBeTrue();
        result.ExitCode.ShouldBe(0, result.Errors);
        var tokens = TokensOf(result);
        await ShouldOpenTheApiAsync(tokens.AccessToken);
        tokens.IdToken.ShouldNotBeNull();
    }

    [Fact]
    public async Task Document_000_signs_in_a_web_application_that_keeps_the_verifier_in_the_session()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        var redirectUri = $"http://localhost:{RunningServer.FreePort()}/callback";
        var client = await RegisterAsync(redirectUri);
        await using var program = PythonProgram.StartWithApi("000_web_callback.py", server, client, redirectUri, api.Orders);
        var home = new Uri((await program.ReadUntilAsync(HomeAddress, Cancellation)).Value);
        using var person = new Person();

        using var toServer = await person.OpenAsync(new Uri(home, "login"), Cancellation);
        var answer = await person.AnswerAsync(toServer.Headers.Location!, Cancellation);
        using var signedIn = await person.OpenAsync(answer, Cancellation);
        using var page = await person.OpenAsync(new Uri(home, signedIn.Headers.Location!), Cancellation);

        (await page.Content.ReadAsStringAsync(Cancellation)).ShouldContain("The API says 200");
    }

    [Fact]
    public async Task Document_000_in_another_browser_cannot_use_the_code_because_the_verifier_is_not_there()
    {
        var redirectUri = $"http://localhost:{RunningServer.FreePort()}/callback";
        var client = await RegisterAsync(redirectUri);
        await using var program = PythonProgram.Start("000_web_callback.py", server, client, redirectUri);
        var home = new Uri((await program.ReadUntilAsync(HomeAddress, Cancellation)).Value);
        using var victim = new Person();
        using var thief = new Person();

        using var toServer = await victim.OpenAsync(new Uri(home, "login"), Cancellation);
        var answer = await victim.AnswerAsync(toServer.Headers.Location!, Cancellation);
        using var begun = await thief.OpenAsync(new Uri(home, "login"), Cancellation);
        using var page = await thief.OpenAsync(answer, Cancellation);

        (await page.Content.ReadAsStringAsync(Cancellation)).ShouldContain("Not signed in: invalid_grant");
    }

    [Fact]
    public async Task Document_001_gets_a_refresh_token_without_offline_access_and_without_state()
    {
        var result = await PasteAsync("001_step_by_step.py", await RegisterAsync(Application), Application);

        result.ExitCode.ShouldBe(0, result.Errors);
        await ShouldOpenTheApiAsync(ValueAfter("Access Token: ", result));
        ValueAfter("Refresh Token: ", result).ShouldNotBe("None");
    }

    [Fact]
    [Rfc("RFC 6749", "4.1.3")]
    [Assertion("RU-12")]
    public async Task Document_001_without_redirect_uri_at_the_token_endpoint_is_harmless_because_the_code_is_bound_by_its_verifier()
    {
        var result = await PasteAsync("001_step_by_step.py", await RegisterAsync(Application), Application, "--pitfall", "no-redirect-uri");

        result.ExitCode.ShouldBe(0, result.Output);
        await ShouldOpenTheApiAsync(ValueAfter("Access Token: ", result));
    }

    [Theory]
    [InlineData("no-redirect-uri", "invalid_request", "--strict")]
    [InlineData("other-verifier", "invalid_grant")]
    [InlineData("plain", "invalid_request")]
    [InlineData("client-secret", "invalid_client")]
    [Assertion("PK-02")]
    [Assertion("PK-07")]
    [Assertion("RU-12")]
    [Assertion("TK-14")]
    public async Task Document_001_makes_each_of_its_mistakes_and_gets_the_answer_for_it(string pitfall, string error, params string[] options)
    {
        var client = await RegisterAsync(Application, options);

        var result = await PasteAsync("001_step_by_step.py", client, Application, "--pitfall", pitfall);

        result.ExitCode.ShouldBe(1);
        $"{result.Output}{result.Errors}".ShouldContain(error);
        result.Output.ShouldNotContain("Access Token");
    }

    [Fact]
    public async Task Document_002_signs_in_with_requests_oauthlib_and_an_https_address_where_nothing_listens()
    {
        const string RedirectUri = "https://localhost:9000/callback";

        var result = await PasteAsync("002_oauth2session.py", await RegisterAsync(RedirectUri), RedirectUri);

        result.ExitCode.ShouldBe(0, result.Errors);
        await ShouldOpenTheApiAsync(TokensOf(result).AccessToken);
    }

    [Fact]
    public async Task Document_003_signs_in_by_its_three_steps()
    {
        var result = await PasteAsync("003_three_steps.py", await RegisterAsync(Application), Application);

        result.ExitCode.ShouldBe(0, result.Errors);
        await ShouldOpenTheApiAsync(TokensOf(result).AccessToken);
    }

    [Fact]
    [Assertion("AZ-23")]
    public async Task Document_003_says_so_when_the_person_denies()
    {
        var client = await RegisterAsync(Application);
        await using var program = PythonProgram.Start("003_three_steps.py", server, client, Application);
        using var person = new Person { Decision = "deny" };

        await program.WriteLineAsync((await person.AnswerAsync(await RequestOfAsync(program), Cancellation)).AbsoluteUri);
        var result = await program.ExitAsync(Cancellation);

        result.ExitCode.ShouldBe(5);
        result.Output.ShouldContain("Not signed in: access_denied");
    }

    [Fact]
    [Assertion("PK-03")]
    [Assertion("PK-05")]
    [Assertion("PK-11")]
    public async Task Document_003_gets_these_answers_when_its_code_is_sent_as_written()
    {
        var client = await RegisterAsync(Application);
        await using var program = PythonProgram.Start("003_table.py", server, client, Application);
        using var person = new Person();

        for (var exchange = 0; exchange < 2; exchange++)
            await program.WriteLineAsync((await person.AnswerAsync(await RequestOfAsync(program), Cancellation)).AbsoluteUri);
        var result = await program.ExitAsync(Cancellation);

        result.ExitCode.ShouldBe(0, result.Errors);
        ValueAfter("verifier line in Python 3: ", result).ShouldBe("AttributeError");
        ValueAfter("no code_challenge_method: ", result).ShouldBe("invalid_request");
        ValueAfter("hex digest, no method: ", result).ShouldBe("invalid_request");
        ValueAfter("hex digest, S256: ", result).ShouldBe("invalid_request");
        ValueAfter("verifier of Python 2: ", result).ShouldBe("invalid_request");
        ValueAfter("repaired: ", result).ShouldBe("tokens");
    }

    private sealed record Tokens(string AccessToken, string? IdToken);

    private Task<string> RegisterAsync(string redirectUri, params string[] options) =>
        server.AddClientAsync("Documents", Cancellation, ["--redirect-uri", redirectUri, "--audience", DemoApi.Audience, .. options]);

    /// <summary>Runs a program that reads, from its input, the address that the browser ended at.</summary>
    private async Task<ChildProcess.Result> PasteAsync(string file, string client, string redirectUri, params string[] arguments)
    {
        await using var program = PythonProgram.Start(file, server, client, redirectUri, arguments);
        using var person = new Person();
        await program.WriteLineAsync((await person.AnswerAsync(await RequestOfAsync(program), Cancellation)).AbsoluteUri);
        return await program.ExitAsync(Cancellation);
    }

    private async Task ShouldOpenTheApiAsync(string accessToken)
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        (await api.StatusForAsync(accessToken, Cancellation)).ShouldBe(200);
    }

    private static async Task<Uri> RequestOfAsync(ChildProcess program) =>
        new((await program.ReadUntilAsync(PythonProgram.AuthorizationRequest, Cancellation)).Value);

    private static Tokens TokensOf(ChildProcess.Result result)
    {
        using var tokens = JsonDocument.Parse(result.LastLine);
        var idToken = tokens.RootElement.TryGetProperty("id_token", out var id) ? id.GetString() : null;
        return new Tokens(tokens.RootElement.GetProperty("access_token").GetString()!, idToken);
    }

    private static string ValueAfter(string label, ChildProcess.Result result) =>
        result.Output.Split('\n').Single(line => line.StartsWith(label, StringComparison.Ordinal))[label.Length..];
}
