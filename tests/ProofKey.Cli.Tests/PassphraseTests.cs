using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>A session whose file opens by a passphrase that a person types.</summary>
public sealed class PassphraseTests : IAsyncLifetime
{
    private const string Passphrase = "five words make a key";

    private readonly Cli _cli = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        SuiteWitness.OfThisSuite.Secret("passphrase", Passphrase);
        (_cli.Environment["PROOFKEY_STORE"], _cli.Environment["PROOFKEY_KEY_FILE"]) = (null, null);
        _server = await TestServer.StartAsync(_cli);
        await _server.AddAliceAsync();
        _cli.Environment["PROOFKEY_PASSPHRASE"] = Passphrase;
        await using var login = _cli.Start("login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--no-browser", "--store", "file");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
        _cli.Environment["PROOFKEY_PASSPHRASE"] = null;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Theory]
    [InlineData("token --show --no-input")]
    [InlineData("login --no-input")]
    [InlineData("call GET http://127.0.0.1/ --no-input")]
    [InlineData("exec --no-input -- true")]
    [InlineData("whoami --no-input")]
    [InlineData("logout --no-input")]
    [InlineData("store move --to keychain --no-input")]
    public async Task Where_nobody_may_be_asked_nobody_is_asked_for_it(string command)
    {
        await using var running = _cli.StartOnTerminal(command);
        var outcome = await running.EndAsync();
        outcome.ExitCode.ShouldBe(8, outcome.ToString());
        outcome.Errors.ShouldContain("PROOFKEY_PASSPHRASE");
        outcome.Errors.ShouldNotContain("Passphrase of the session");
    }

    [Fact]
    public async Task A_variable_or_kubectl_says_so_too()
    {
        _cli.Environment[KubernetesRequest.Variable] = """{"apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}""";
        await using (var plugIn = _cli.StartOnTerminal("token -o exec-credential --show")) (await plugIn.EndAsync()).ExitCode.ShouldBe(8);
        _cli.Environment["PROOFKEY_NO_INPUT"] = "true";
        await using var exec = _cli.StartOnTerminal("exec -- true");
        (await exec.EndAsync()).ExitCode.ShouldBe(8);
    }

    [Fact]
    public async Task The_program_that_exec_runs_gets_the_terminal_as_it_was()
    {
        await using var running = _cli.StartOnTerminal("exec -- stty -a");
        await running.OutputUntilAsync(new("Passphrase of the session: "));
        await running.TypeAsync(Passphrase + "\r");
        var outcome = await running.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Output.ShouldNotContain(Passphrase);
        foreach (var mode in (string[])["echo", "icanon", "iexten", "ixon", "icrnl"]) outcome.Output.ShouldMatch($"(?<![-a-z]){mode}\\b");
    }

    [Fact]
    public async Task Its_lock_is_not_the_lock_of_the_profiles_after_it()
    {
        await using (var login = _cli.Start("login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--no-browser", "-p", "work", "--store", "file", "--key-file", _cli.PathOf("session.key")))
        {
            using var browser = new ScriptedBrowser();
            await browser.SignInAsync(login);
            (await login.EndAsync()).ExitCode.ShouldBe(0);
        }
        _cli.Environment["PROOFKEY_STORE"] = "memory";
        var list = await _cli.OutputOfAsync("list");
        list.ShouldMatch("(?m)^default .*locked");
        list.ShouldMatch("(?m)^work .*signed in");
    }

    [Fact]
    public async Task One_that_is_too_short_is_refused_before_it_is_typed_again_and_another_is_asked_for()
    {
        const string Next = "another five words or so";
        SuiteWitness.OfThisSuite.Secret("passphrase", Next);
        await using var moving = _cli.StartOnTerminal("store move --to file");
        await moving.OutputUntilAsync(new("Passphrase of the session: "));
        await moving.TypeAsync(Passphrase + "\r");
        await moving.OutputUntilAsync(new("New passphrase of the session, at least 12 characters: "));
        await moving.TypeAsync("short\r");
        await moving.OutputUntilAsync(new(@"too short: it has at least 12 characters\. [^\n]*\r\nNew passphrase of the session, at least 12 characters: "));
        await moving.TypeAsync(Next + "\r");
        await moving.OutputUntilAsync(new("Once more: "));
        await moving.TypeAsync(Next + "\r");
        var outcome = await moving.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        _cli.Environment["PROOFKEY_PASSPHRASE"] = Next;
        (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
    }
}
