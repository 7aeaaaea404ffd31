namespace ProofKey.Examples;

/// <summary>What docs/testing.md shows, run.</summary>
public sealed class ExampleTests
{
    [Fact]
    public async Task Alice_is_greeted_after_a_restart_too_and_nothing_leaks()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser { Strays = Strays.Favicon | Strays.WrongState };
        var vault = new MemoryVault();
        var options = server.Options(browser) with { Store = vault.Store };

        var first = await Greeter.GreetAsync(options);
        server.Time.Shift += TimeSpan.FromHours(2);                    // the access token has ended
        browser.Person = PersonDoes.HasNoBrowser;                      // and nobody could be asked
        var second = await Greeter.GreetAsync(options);

        Assert.Equal(["Hello alice", "Hello alice"], [first, second]);
        var leaks = new LeakSearch();
        foreach (var secret in server.Secrets) leaks.Add("secret of the server", secret);
        leaks.AssertNone("what the program says", first + second);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Whatever_the_server_does_wrong_the_program_says_so_and_goes_on(string name)
    {
        var fault = Fault.All.Single(fault => fault.Name == name);
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        server.Break(fault);

        var said = await Greeter.GreetAsync(server.Options(browser) with { RequestTimeout = TimeSpan.FromSeconds(5) });

        Assert.Equal($"Nobody signed in: {fault.Code}", said);
    }

    public static TheoryData<string> Faults => [.. Fault.All.Select(fault => fault.Name)];
}

/// <summary>The program under test.</summary>
internal static class Greeter
{
    public static async Task<string> GreetAsync(ClientOptions options)
    {
        await using var client = new PublicClient(options);
        try
        {
            var session = await client.GetSessionAsync();
            await session.GetAccessTokenAsync();
            return $"Hello {session.Subject}";
        }
        catch (ClientException problem)
        {
            return $"Nobody signed in: {problem.Code}";
        }
    }
}
