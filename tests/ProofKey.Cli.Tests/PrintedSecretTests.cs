namespace ProofKey.Cli.Tests;

/// <summary>Everything that any run of the program printed in this assembly, looked through for the tokens, codes, passwords and keys of those runs.</summary>
[Collection(AfterAllOthers.Name)]
public sealed class PrintedSecretTests
{
    [Fact]
    [Assertion("CL-13")]
    public async Task Nothing_that_any_run_printed_without_being_asked_for_it_holds_a_secret()
    {
        await SayEverythingAsync();
        var witness = SuiteWitness.OfThisSuite;

        witness.Find().ShouldBeEmpty();

        // An empty net catches nothing.
        witness.Secrets.ShouldBeGreaterThan(5);
        foreach (var verb in (string[])["stdout of whoami", "stderr of login", "stderr of token", "stderr of logout"]) witness.Texts.Keys.ShouldContain(kind => kind.StartsWith(verb, StringComparison.Ordinal));
        witness.Texts.Keys.ShouldNotContain(kind => kind.StartsWith("stdout of token", StringComparison.Ordinal), "that is what it is for");
        TestContext.Current.SendDiagnosticMessage($"{witness.Secrets} secrets, {witness.Texts.Values.Sum()} texts");
    }

    [Fact]
    [Assertion("CL-13")]
    public void What_holds_one_would_be_found()
    {
        var (witness, token) = (new SuiteWitness(), Secret.NewText());
        witness.Secret("access token", token);
        witness.Said("stderr of list", $"default  alice  {token}");

        witness.Find().ShouldHaveSingleItem().Secret.ShouldBe("access token");
    }

    // Enough for this class to be run by itself.
    private static async Task SayEverythingAsync()
    {
        using var cli = new Cli();
        await using var server = await TestServer.StartAsync(cli);
        await server.AddAliceAsync();
        var client = await server.AddClientAsync();
        using var browser = new ScriptedBrowser();
        await using (var login = cli.Start("login", server.Issuer, "--client-id", client))
        {
            await browser.SignInAsync(login);
            (await login.EndAsync()).ExitCode.ShouldBe(0);
        }
        foreach (var verb in (string[][])[["whoami"], ["list"], ["list", "--json"], ["token"], ["logout"], ["token", "--no-input"]]) await cli.RunAsync(verb);
    }
}
