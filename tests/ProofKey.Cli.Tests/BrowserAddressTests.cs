using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary>An address that a server chose, on the terminal, and in a script that makes PowerShell text of what it gets, as wslview does.</summary>
public sealed class BrowserAddressTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    [Assertion("CL-06")]
    public async Task PowerShell_evaluates_nothing_of_an_address()
    {
        const string Address = "https://login.example.com/$(Write-Output('evaluated'))/;(x)?y='$(Write-Output('evaluated'))'&z=`n";

        (await RunAsync(Address)).ShouldContain("/evaluated/", customMessage: "the address as it is would be evaluated");
        BrowserAddress.TryMake(new Uri(Address), out var plain).ShouldBeTrue();

        (await RunAsync(plain!.AbsoluteUri)).Trim().ShouldBe(plain.AbsoluteUri);
    }

    [Theory]
    [InlineData("https://li\u200bve.example/x?user_code=AB", "https://xn--live-w76a.example/x?user_code=AB")]
    [InlineData("https://\u0440\u0430ypal.example/", "https://xn--ypal-43d9g.example/")]
    [InlineData("https://login.example.com/\u202e;", "https://login.example.com/%E2%80%AE%3B")]
    public void The_terminal_shows_no_letters_that_look_like_others_and_none_that_cannot_be_seen(string address, string shown)
    {
        using var said = new StringWriter();

        new Terminal { Error = said, HasLinks = true }.Say(new Uri(address));

        said.ToString().TrimEnd().ShouldBe($"\e]8;;{shown}\e\\{shown}\e]8;;\e\\");
    }

    private async Task<string> RunAsync(string address)
    {
        await using var shell = _cli.StartAs(PowerShell.Command(_cli, $"Write-Output \"{address}\""));
        var outcome = await shell.EndAsync();
        outcome.ExitCode.ShouldBe(0, PowerShell.Remedy + outcome);
        return outcome.Output;
    }
}
