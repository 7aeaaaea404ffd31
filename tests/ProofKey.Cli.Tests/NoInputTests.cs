namespace ProofKey.Cli.Tests;

/// <summary>Where nobody may be asked, the command that a person is to type makes the session that the script looks for.</summary>
public sealed class NoInputTests : SignedInCli
{
    [Fact]
    public async Task Who_types_what_no_input_printed_has_signed_in_for_the_script()
    {
        (Cli.Environment["PROOFKEY_STORE"], Cli.Environment["PROOFKEY_KEY_FILE"]) = (null, null);
        string[] script = ["login", Server.Issuer, "--client-id", await Server.AddClientAsync(), "--scope", "openid", "-p", "work", "--dpop", "--no-input", "--store", "file", "--key-file", Cli.PathOf("session.key")];
        var asked = await Cli.RunAsync(script);
        asked.ShouldBeFailure(4, "--no-input asks nobody");
        var command = asked.Errors.Split("Sign in with: proofkey ")[1].Split('\n')[0];

        await using (var login = Cli.StartAs("sh", "-c", $"exec {Proofkey} {command} --no-browser"))
        {
            using var browser = new ScriptedBrowser();
            await browser.SignInAsync(login);
            (await login.EndAsync()).ExitCode.ShouldBe(0);
        }

        (await Cli.RunAsync(script)).Errors.ShouldStartWith("Signed in as ");
        var session = await Cli.SessionOfAsync("work");
        session.AskedScope.ShouldBe("openid");
        session.DpopKey.ShouldNotBeNull();
    }
}
