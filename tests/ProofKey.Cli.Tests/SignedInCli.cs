namespace ProofKey.Cli.Tests;

/// <summary>The program with a server of its own at which alice has signed in, for tests of what comes after.</summary>
public class SignedInCli : IAsyncLifetime
{
    internal Cli Cli { get; } = new();

    internal TestServer Server { get; private set; } = null!;

    /// <summary>The program as a word of a shell.</summary>
    internal string Proofkey => $"'{Cli.Program}'";

    public async ValueTask InitializeAsync()
    {
        Server = await TestServer.StartAsync(Cli);
        await Server.AddAliceAsync();
        await LoginAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Cli.Dispose();
        GC.SuppressFinalize(this);
    }

    internal async Task LoginAsync(params string[] options)
    {
        await using var login = Cli.Start(["login", Server.Issuer, "--client-id", await Server.AddClientAsync(), "--no-browser", .. options]);
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
    }

    /// <summary>Runs another program, such as a shell, with the test's home and variables.</summary>
    internal async Task<Outcome> RunOtherAsync(params string[] command)
    {
        await using var running = Cli.StartAs(command);
        await running.WriteAsync("");
        return await running.EndAsync();
    }
}
