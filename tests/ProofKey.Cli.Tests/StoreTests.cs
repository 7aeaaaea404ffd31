namespace ProofKey.Cli.Tests;

/// <summary>How a session is kept: what is said, remembered and refused.</summary>
public sealed class StoreTests : IAsyncLifetime
{
    private const string Passphrase = "five words make a key";

    private readonly Cli _cli = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        SuiteWitness.OfThisSuite.Secret("passphrase", Passphrase);
        _cli.Environment["PROOFKEY_STORE"] = null;
        _cli.Environment["PROOFKEY_KEY_FILE"] = null;
        _server = await TestServer.StartAsync(_cli);
        await _server.AddAliceAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task A_key_file_is_named_once_and_remembered()
    {
        await LoginAsync("--store", "file", "--key-file", _cli.PathOf("session.key"));

        (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
        (await _cli.OutputOfAsync("list")).ShouldContain("signed in");
        File.Move(_cli.PathOf("session.key"), _cli.PathOf("moved.key"));
        (await _cli.RunAsync("token")).ShouldBeFailure(8, "session.key", "there is none");
        (await _cli.OutputOfAsync("token", "--key-file", _cli.PathOf("moved.key"))).ShouldNotBeEmpty();
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task A_passphrase_comes_from_a_variable_a_file_or_the_terminal_and_is_never_an_argument()
    {
        _cli.Environment["PROOFKEY_PASSPHRASE"] = Passphrase;
        await LoginAsync("--store", "file");
        (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
        _cli.Environment["PROOFKEY_PASSPHRASE"] = "five other words or so";
        (await _cli.RunAsync("token")).ShouldBeFailure(8, "its passphrase", "another one was given");
        _cli.Environment["PROOFKEY_PASSPHRASE"] = null;
        (await _cli.RunAsync("token")).ShouldBeFailure(8, "needs a key", "PROOFKEY_PASSPHRASE");
        (await _cli.OutputOfAsync("list")).ShouldContain("locked");

        var file = _cli.Write("passphrase", Passphrase + "\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        (await _cli.OutputOfAsync("token", "--passphrase-file", file)).ShouldNotBeEmpty();
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (await _cli.RunAsync("token", "--passphrase-file", file)).ShouldBeFailure(8, "Others can read", "chmod 600");

        await using var asked = _cli.StartOnTerminal("token --show");
        await asked.OutputUntilAsync(new("Passphrase of the session: "));
        await asked.TypeAsync(Passphrase + "\n");
        (await asked.OutputUntilAsync(new(@"ey[\w-]+\.[\w-]+\.[\w-]+"))).Success.ShouldBeTrue();
    }

    [Fact]
    public async Task In_memory_nothing_is_kept()
    {
        (await LoginAsync("--store", "memory")).Errors.ShouldContain("Nothing was kept");

        (await _cli.RunAsync("token")).ShouldBeFailure(4, "Nobody is signed in");
        Directory.EnumerateFiles(_cli.PathOf("state"), "*.vault", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_cannot_be_is_refused()
    {
        string[] login = ["login", _server.Issuer, "--client-id", "x", "--no-browser"];
        (await _cli.RunAsync([.. login, "--store", "plain"])).ShouldBeFailure(2, "--store is not plain", "keychain or file or memory");
        (await _cli.RunAsync([.. login, "--store", "file"])).ShouldBeFailure(2, "needs a key", "head -c 32 /dev/urandom");
        (await _cli.RunAsync([.. login, "--key-file", "a", "--passphrase-file", "b"])).ShouldBeFailure(2, "one key");
        (await _cli.RunAsync([.. login, "--key-file", _cli.PathOf("none")])).ShouldBeFailure(8, "there is none", "head -c 32 /dev/urandom");
        _cli.Environment["PROOFKEY_PASSPHRASE"] = "short";
        (await _cli.RunAsync([.. login, "--store", "file"])).ShouldBeFailure(2, "too short", "five words");
    }

    [Fact]
    public async Task Programs_that_have_to_ask_a_person_ask_once_between_them()
    {
        await LoginAsync("--store", "file", "--key-file", _cli.PathOf("session.key"));
        File.Delete(_cli.SessionFile);
        var runs = Enumerable.Range(0, 4).Select(_ => _cli.Start("token", "--interactive")).ToList();
        try
        {
            using var browser = new ScriptedBrowser();
            var asking = await await Task.WhenAny(runs.Select(async run =>
            {
                await run.UntilAsync(ScriptedBrowser.Address());
                return run;
            }));
            await browser.SignInAsync(asking);
            var outcomes = await Task.WhenAll(runs.Select(run => run.EndAsync()));

            outcomes.ShouldAllBe(outcome => outcome.ExitCode == 0);
            outcomes.Count(outcome => outcome.Errors.Contains("/authorize", StringComparison.Ordinal)).ShouldBe(1);
            outcomes.Select(outcome => outcome.Output).Distinct().Count().ShouldBe(1);
        }
        finally
        {
            foreach (var run in runs) await run.DisposeAsync();
        }
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
