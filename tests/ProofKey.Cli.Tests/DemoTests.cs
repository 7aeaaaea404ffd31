using System.Text.RegularExpressions;

namespace ProofKey.Cli.Tests;

/// <summary><c>demo</c>: that it shows what it says it shows, on a pipe and on a terminal.</summary>
public sealed partial class DemoTests : IDisposable
{
    private readonly Cli _cli = new();

    public DemoTests() => _cli.Environment["TMPDIR"] = Directory.CreateDirectory(_cli.PathOf("tmp")).FullName;

    public void Dispose() => _cli.Dispose();

    [Fact]
    [Rfc("RFC 7636", "4.6")]
    public async Task On_a_pipe_it_signs_in_by_itself_and_every_check_comes_out_as_it_must()
    {
        var outcome = await _cli.RunAsync("demo");
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldBeEmpty();
        outcome.Output.ShouldMatch(@"\nAll \d+ checks came out as they must: 1 sign-in, 1 refresh, 3 attacks refused\.\n$");
        foreach (var part in new[]
        {
            "code_challenge_method  S256", "a forged answer with another state: HTTP 404", "SHA-256 of this verifier is the challenge", "\"typ\": \"at+jwt\"", "nonce is the one that was sent",
            "with the access token: HTTP 200, 2 orders", "there is a new access token", "without a verifier: HTTP 400 invalid_grant", "with a verifier of the thief's: HTTP 400 invalid_grant",
            "the client still gets in", "the same code again: HTTP 400 invalid_grant", "the first access token is dead too: HTTP 401", "a page, and the browser is sent",
        })
            Unwrapped(outcome.Output).ShouldContain(part);
    }

    [Fact]
    public async Task It_fits_80_columns_and_has_no_colours_and_no_secrets_on_a_pipe()
    {
        var output = (await _cli.RunAsync("demo", "--no-browser")).Output;
        output.Split('\n').Where(line => line.Length > 80).ShouldBeEmpty();
        output.Where(character => char.IsControl(character) && character != '\n').ShouldBeEmpty();
        RawSecret().Matches(output).Select(match => match.Value).ShouldBeEmpty();
    }

    [Fact]
    public async Task It_leaves_nothing_behind()
    {
        await _cli.RunAsync("demo");
        Directory.EnumerateFileSystemEntries(_cli.PathOf("tmp")).Where(path => path.Contains("proofkey", StringComparison.Ordinal)).ShouldBeEmpty();
        Directory.Exists(_cli.PathOf("share")).ShouldBeFalse();
        Directory.Exists(_cli.PathOf("state")).ShouldBeFalse();
    }

    [Fact]
    public async Task On_a_terminal_it_is_in_colour_and_a_person_signs_in_with_the_name_and_password_shown()
    {
        await using var demo = _cli.StartOnTerminal("demo");
        var address = (await demo.UntilAsync(Address())).Value;
        var password = Password().Match(demo.Errors).Groups[1].Value;
        using var person = new Demo.ScriptedPerson("demo", password);
        var callback = await person.AnswerAsync(new Uri(address), TestContext.Current.CancellationToken);
        using var page = await person.OpenAsync(callback, TestContext.Current.CancellationToken);
        using var shown = await person.OpenAsync(new Uri(callback, page.Headers.Location!), TestContext.Current.CancellationToken);

        var outcome = await demo.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldContain("\e[32mok\e[0m");
        outcome.Errors.ShouldContain("3 attacks refused.");
    }

    [Fact]
    public async Task A_person_can_have_a_terminal_without_colours()
    {
        _cli.Environment["NO_COLOR"] = "1";
        await using var demo = _cli.StartOnTerminal("demo --no-browser");
        var outcome = await demo.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldNotContain("\e[32m");
    }

    [Fact]
    public async Task Control_C_ends_it_and_it_still_cleans_up()
    {
        await using var demo = _cli.StartOnTerminal("demo");
        await demo.UntilAsync(Address());
        await demo.WriteAsync("\u0003");
        (await demo.EndAsync()).ExitCode.ShouldBe(9);
        Directory.EnumerateFileSystemEntries(_cli.PathOf("tmp")).Where(path => path.Contains("proofkey", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static string Unwrapped(string output) => Fold().Replace(output, " ");

    [GeneratedRegex(@"\n {7}")]
    private static partial Regex Fold();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+(?=\s)")]
    private static partial Regex Address();

    [GeneratedRegex(@"your password\s+(?:\e\[0m)?(\S+)")]
    private static partial Regex Password();

    // A whole JWT, code or refresh token
    [GeneratedRegex(@"eyJ[\w-]{10,}\.|pk[cr]_[\w-]{20,}")]
    private static partial Regex RawSecret();
}
