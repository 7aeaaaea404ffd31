namespace ProofKey.Cli.Tests;

/// <summary>The locks of programs that run side by side.</summary>
public sealed class LockTests
{
    [Fact]
    [Assertion("RT-15")]
    public async Task The_variable_that_switches_the_locks_of_the_platform_off_does_not_switch_ours_off()
    {
        using var cli = new Cli();
        await using var server = await TestServer.StartAsync(cli);
        // What is advised for programs of this platform on network disks.
        cli.Environment["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1";
        await using var login = cli.Start("login", server.Issuer, "--client-id", await server.AddClientAsync(), "--no-browser");
        await login.UntilAsync(ScriptedBrowser.Address());
        var turn = cli.SessionFile + ".sign-in.lock";

        Client.LockFile.TryTake(turn).ShouldBeNull("it asks the person, and nobody else does meanwhile");

        var named = Client.LockFile.HolderOf(turn);
        named.ShouldStartWith("process ");
        named.ShouldNotBe($"process {Environment.ProcessId}");
    }
}
