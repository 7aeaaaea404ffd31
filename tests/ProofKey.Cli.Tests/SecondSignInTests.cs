namespace ProofKey.Cli.Tests;

/// <summary>A sign-in under a profile that has a session already: whose place it takes is said before, and what nobody has any more is ended.</summary>
public sealed class SecondSignInTests : SignedInCli
{
    [Fact]
    [Assertion("LO-13")]
    public async Task A_sign_in_at_another_server_says_whose_place_it_takes_and_ends_that_session()
    {
        var token = await Cli.OutputOfAsync("token");
        var former = await Cli.SessionOfAsync();
        using var other = new Cli();
        await using var elsewhere = await TestServer.StartAsync(other);
        await elsewhere.AddAliceAsync();
        var client = await elsewhere.AddClientAsync();

        (await Cli.RunAsync("login", elsewhere.Issuer, "--client-id", client, "--no-input")).ShouldBeFailure(2, $"Profile default is signed in at {Server.Issuer}", "-p NAME", "proofkey logout");
        (await Cli.SessionOfAsync()).Id.ShouldBe(former.Id);

        await using var login = Cli.Start("login", elsewhere.Issuer, "--client-id", client, "--no-browser");
        await login.UntilAsync(ScriptedBrowser.Address());
        login.Errors.ShouldStartWith($"Profile default is signed in at {Server.Issuer} as the client {former.ClientId}; this sign-in takes its place.");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldContain($"The session of before at {Server.Issuer} was asked to be ended there.");
        (await IsGoodAsync(token, Server.Issuer)).ShouldBeFalse();
        (await IsGoodAsync(await Cli.OutputOfAsync("token"), elsewhere.Issuer)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_server_that_is_away_does_not_stop_the_sign_in_that_takes_the_place()
    {
        using var other = new Cli();
        await using var elsewhere = await TestServer.StartAsync(other);
        await elsewhere.AddAliceAsync();
        await Server.StopAsync();

        await using var login = Cli.Start("login", elsewhere.Issuer, "--client-id", await elsewhere.AddClientAsync(), "--no-browser");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldContain("was not taken back there; it ends by itself");
    }

    [Fact]
    public async Task The_same_person_at_the_same_client_again_is_nobodys_place_and_the_new_session_lives()
    {
        await using var login = Cli.Start("login", "--no-browser");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldNotContain("takes its place");
        outcome.Errors.ShouldNotContain("of before");
        (await IsGoodAsync(await Cli.OutputOfAsync("token"), Server.Issuer)).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_input_a_profile_that_never_was_is_named_with_the_whole_command() =>
        (await Cli.RunAsync("login", Server.Issuer, "--client-id", "app", "-p", "new", "--no-input")).ShouldBeFailure(4, $"Sign in with: proofkey login {Server.Issuer} --client-id app --key-file {Cli.PathOf("session.key")} -p new\n");

    private static async Task<bool> IsGoodAsync(string token, string issuer)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var answer = await http.GetAsync(new Uri($"{issuer}/userinfo"), TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode;
    }
}
