namespace ProofKey.Chaos;

/// <summary>Everything that servers and programs said while they were killed, cut off and starved, looked through for every secret that clients sent or were given.</summary>
[Collection(AfterAllOthers.Name)]
public sealed class LeakTests
{
    [Fact]
    [Assertion("CL-13")]
    [Assertion("TK-19")]
    public async Task Nothing_that_was_said_whatever_happened_holds_a_secret()
    {
        await SayEverythingAsync();
        var witness = SuiteWitness.OfThisSuite;

        witness.Find().ShouldBeEmpty();

        // An empty net catches nothing.
        foreach (var name in (string[])["code", "code verifier", "access token", "refresh token", "id token", "session cookie", "key of a vault", "root key"]) witness.Names.ShouldContain(name);
        foreach (var kind in (string[])["stderr of serve", "stdout of audit-log", "stderr of token", "log"]) witness.Texts.Keys.ShouldContain(kind);
        Rounds.Tell($"{witness.Secrets} secrets, {witness.Texts.Values.Sum()} texts");
    }

    [Fact]
    [Assertion("TK-19")]
    public void What_holds_one_would_be_found()
    {
        var (witness, token) = (new SuiteWitness(), Secret.NewText());
        witness.Heard($$"""{"access_token":"{{token}}"}""");
        witness.Said("stderr of serve", $"Refused at /userinfo: {token[..20]}…");

        witness.Find().ShouldHaveSingleItem().Secret.ShouldBe("access token");
    }

    // Enough for this class to be run by itself.
    private static async Task SayEverythingAsync()
    {
        using var data = new ServerData();
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var server = new ServerProcess(data.Options);
        using var crowd = new Crowd(server.Address, @operator, new Dice(1));
        await server.StartAsync();
        await crowd.WorkUntilAsync(100, server.KillAsync);
        await ServerProcess.RunAsync(["audit-log", "--json", .. data.Options]);
        var loses = false;
        await using var world = await SharedSession.StartAsync(line => line.StartsWith("POST /token", StringComparison.Ordinal) && Volatile.Read(ref loses));
        await world.ExpireAsync();
        Volatile.Write(ref loses, true);
        (await world.TokenAsync()).ExitCode.ShouldBe(6);
    }
}
