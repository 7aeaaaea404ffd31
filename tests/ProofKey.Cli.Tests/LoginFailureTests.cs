using Microsoft.AspNetCore.Http;

namespace ProofKey.Cli.Tests;

/// <summary>Sign-ins that come to nothing, each with its exit code, its sentence and its remedy.</summary>
public sealed class LoginFailureTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task An_issuer_that_cannot_be_reached_is_unavailable() =>
        (await _cli.RunAsync("login", $"http://127.0.0.1:{TestServer.FreePort()}", "--client-id", "x", "--no-browser")).ShouldBeFailure(6, "could not be reached", "Check its address");

    [Fact]
    [Assertion("MD-11")]
    public async Task Metadata_of_another_issuer_is_a_protocol_violation()
    {
        await using var server = await TestApi.StartAsync(context =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync("""{"issuer":"https://other.example.com","authorization_endpoint":"https://other.example.com/a","token_endpoint":"https://other.example.com/t"}""");
        });
        var outcome = await _cli.RunAsync("login", server.Address, "--client-id", "x", "--no-browser");
        outcome.ShouldBeFailure(7, "issuer");
        outcome.Errors.ShouldNotContain("go to:");
    }

    [Fact]
    public async Task A_page_instead_of_metadata_is_unavailable_or_a_violation_and_never_a_fault_of_ours()
    {
        await using var server = await TestApi.StartAsync(context => context.Response.WriteAsync("<h1>Welcome</h1>"));
        var outcome = await _cli.RunAsync("login", server.Address, "--client-id", "x", "--no-browser");
        outcome.ExitCode.ShouldBeOneOf(6, 7);
        outcome.Errors.ShouldNotContain("fault of its own");
    }

    [Fact]
    public async Task A_scope_that_the_client_may_not_have_is_refused_by_the_server()
    {
        await using var server = await TestServer.StartAsync(_cli);
        await server.AddAliceAsync();
        await using var login = _cli.Start("login", server.Issuer, "--client-id", await server.AddClientAsync("--scope", "openid"), "--scope", "openid orders.read", "--no-browser");
        var outcome = await login.EndAsync();
        outcome.ShouldBeFailure(5, "invalid_scope", "scope");
        outcome.Errors.ShouldNotContain("/authorize", customMessage: "the request was pushed, and nobody was asked");
    }

    [Fact]
    public async Task Control_C_gives_up_at_once()
    {
        await using var server = await TestServer.StartAsync(_cli);
        await using var login = _cli.Start("login", server.Issuer, "--client-id", await server.AddClientAsync(), "--no-browser");
        await login.UntilAsync(ScriptedBrowser.Address());
        login.PressControlC();
        (await login.EndAsync()).ShouldBeFailureAfterTheAddress(9, "Cancelled.");
    }

    [Fact]
    public async Task A_damaged_session_file_is_reported_and_left_as_it_is()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_cli.SessionFile)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(_cli.SessionFile, "{ not json", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(_cli.SessionFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(_cli.SessionFile)!, "profile.json"), """{"name":"default","issuer":"https://login.example.com","client_id":"x","scope":"openid"}""", TestContext.Current.CancellationToken);

        (await _cli.RunAsync("token")).ShouldBeFailure(8, _cli.SessionFile, "sign in again");
        (await _cli.OutputOfAsync("list")).ShouldContain("damaged");
        (await File.ReadAllTextAsync(_cli.SessionFile, TestContext.Current.CancellationToken)).ShouldBe("{ not json");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"name":"default","issuer":"https://login.example.com","client_id":"","scope":"openid"}""")]
    [InlineData("""{"name":"default","issuer":"https://login.example.com","client_id":"x","scope":"openid","ports":[70000]}""")]
    [InlineData("""{"name":"default","issuer":"https://login.example.com","client_id":"x","scope":"openid","key_file":""}""")]
    public async Task A_damaged_profile_is_reported(string content)
    {
        var file = Path.Combine(Path.GetDirectoryName(_cli.SessionFile)!, "profile.json");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);
        (await _cli.RunAsync("whoami")).ShouldBeFailure(8, "profile.json", "proofkey login");
    }
}
