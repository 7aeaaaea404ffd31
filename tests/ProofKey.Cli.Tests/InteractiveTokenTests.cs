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
