using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary><c>token --interactive</c>: which road it takes, and what the profile knows afterwards.</summary>
public sealed class InteractiveTokenTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private ScriptedServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string ProfileFile => Path.Combine(Path.GetDirectoryName(_cli.SessionFile)!, "profile.json");

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        // Then the address that is printed holds no state.
        _server.TakesPushed = true;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    public async Task A_token_that_waited_for_a_passphrase_leaves_alone_what_a_sign_in_remembered_meanwhile()
    {
        const string Passphrase = "five words make a key";
        SuiteWitness.OfThisSuite.Secret("passphrase", Passphrase);
        var (file, pipe) = (_cli.Write("passphrase", Passphrase + "\n"), _cli.PathOf("pipe"));
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        await using (var made = _cli.StartAs("mkfifo", "-m", "600", pipe)) (await made.EndAsync()).ExitCode.ShouldBe(0);
        await SignInAsync(Login("--passphrase-file", file));

        await using var token = _cli.Start("token", "--passphrase-file", pipe);
        // It opens once the token waits for the passphrase, and so has read the profile.
        await using (var writer = new StreamWriter(pipe))
        {
            StopNamingItself();
            await SignInAsync(Login("--passphrase-file", file, "--redirect-path", "/callback/second"));
            var remembered = await File.ReadAllTextAsync(ProfileFile, Cancellation);
            await writer.WriteAsync(Passphrase + "\n");
            await writer.FlushAsync(Cancellation);
            writer.Close();
            (await token.EndAsync()).ExitCode.ShouldBe(0);
            (await File.ReadAllTextAsync(ProfileFile, Cancellation)).ShouldBe(remembered);
            remembered.ShouldContain("/callback/second");
        }
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task Where_the_server_stopped_naming_itself_that_alone_is_changed_in_the_profile_as_it_is_by_then()
    {
        await SignInAsync(Login());
        File.Delete(_cli.SessionFile);
        StopNamingItself();

        await using var token = _cli.Start("token", "--interactive");
        await token.UntilAsync(ScriptedBrowser.Address());
        var before = await File.ReadAllTextAsync(ProfileFile, Cancellation);
        await File.WriteAllTextAsync(ProfileFile, before.Replace("\"scope\"", "\"response_mode\": \"query\",\n  \"scope\"", StringComparison.Ordinal), Cancellation);
        (await AnswerAsync(token)).Output.ShouldNotBeEmpty();

        using var profile = JsonDocument.Parse(await File.ReadAllTextAsync(ProfileFile, Cancellation));
        profile.RootElement.GetProperty("silent_at").GetString().ShouldBe("http://127.0.0.1/callback");
        profile.RootElement.GetProperty("response_mode").GetString().ShouldBe("query");
    }

    [Theory]
    [InlineData("PROOFKEY_NO_BROWSER", "Sign in in a browser elsewhere, since you said so.")]
    [InlineData("PROOFKEY_BROWSER", "Sign in in the browser, since you said so.")]
    public async Task The_road_is_the_one_that_a_variable_or_the_file_says(string variable, string said)
    {
        _cli.Environment["BROWSER"] = "/nonexistent/browser";
        await SignInAsync(Login("--response-mode", "query"));
        File.Delete(_cli.SessionFile);
        // One that login takes from the command line alone is no road here either.
        (_cli.Environment[variable], _cli.Environment["PROOFKEY_DEVICE"]) = ("true", "whatever");
        (await SignInAsync("token", "--interactive")).Errors.ShouldStartWith(said);

        _cli.Environment[variable] = null;
        File.Delete(_cli.SessionFile);
        _cli.Environment["PROOFKEY_CONFIG"] = _cli.Write("proofkey.json", $$"""{"{{variable["PROOFKEY_".Length..].ToLowerInvariant()}}": true}""");
        (await SignInAsync("token", "--interactive")).Errors.ShouldStartWith(said);
    }

    [Fact]
    public async Task A_person_gets_as_long_as_a_variable_says()
    {
        await SignInAsync(Login());
        File.Delete(_cli.SessionFile);
        _cli.Environment["PROOFKEY_TIMEOUT"] = "1s";
        (await _cli.RunAsync("token", "--interactive")).ShouldBeFailureAfterTheAddress(3, "Nobody finished the sign-in in time.");
        _cli.Environment["PROOFKEY_TIMEOUT"] = "two days";
        (await _cli.RunAsync("token", "--interactive")).ShouldBeFailure(2, "--timeout (PROOFKEY_TIMEOUT)");
        (await _cli.RunAsync("token")).ShouldBeFailure(4, "Nobody is signed in");
    }

    private string[] Login(params string[] more) => ["login", _server.Issuer.Value, "--client-id", ScriptedServer.ClientId, "--scope", "openid", "--no-browser", .. more];

    private void StopNamingItself()
    {
        _server.SpoilMetadata = metadata => metadata.Remove("authorization_response_iss_parameter_supported");
        _server.SpoilCallback = answer => answer.RemoveAll(parameter => parameter.Key == "iss");
    }

    private async Task<Outcome> SignInAsync(params string[] command)
    {
        await using var running = _cli.Start(command);
        return await AnswerAsync(running);
    }

    private static async Task<Outcome> AnswerAsync(RunningCli running)
    {
        using var browser = new HttpClient();
        using var page = await browser.GetAsync(new Uri((await running.UntilAsync(ScriptedBrowser.Address())).Value), Cancellation);
        var outcome = await running.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        return outcome;
    }
}
