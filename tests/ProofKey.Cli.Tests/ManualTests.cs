namespace ProofKey.Cli.Tests;

/// <summary>The manual page is made by the program, and stands in docs as it makes it.</summary>
public sealed class ManualTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task The_page_in_docs_is_the_one_that_the_program_prints()
    {
        var printed = await PrintAsync();
        // A page that changed on purpose: copy the new one over docs/proofkey.1.
        File.WriteAllText(Path.Combine(Cli.Folder, "proofkey.actual.1"), printed);
        printed.ShouldBe(await File.ReadAllTextAsync(Path.Combine(Cli.Folder, "Contract", "proofkey.1"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Groff_has_nothing_to_warn_of()
    {
        var formatted = await FormatAsync("groff", "-man", "-Tutf8", "-ww", "-rLL=80n");
        formatted.Errors.ShouldBeEmpty();
        var text = System.Text.RegularExpressions.Regex.Replace(formatted.Output, "\e\\[[0-9;]*m|.\b", "");
        text.ShouldContain("proofkey - sign people in with the authorization code flow and PKCE");
        text.ShouldContain("ACCESS_TOKEN=…", customMessage: "what is not ASCII");
        text.ShouldContain("curl -H \"$(proofkey token -o header)\" https://api.example.com/orders");
    }

    [Fact]
    public async Task Man_shows_each_verb_and_exit_code()
    {
        _cli.Environment["MANPAGER"] = "cat";
        _cli.Environment["MANWIDTH"] = "100";
        var shown = await FormatAsync("man", "-l");
        shown.ExitCode.ShouldBe(0, shown.ToString());
        foreach (var part in (string[])["proofkey login ISSUER", "proofkey client add NAME", "proofkey exec COMMAND ...", "COMMON OPTIONS", "-p, --profile PROFILE", "EXIT STATUS", "PROOFKEY_SESSIONS"]) shown.Output.ShouldContain(part);
    }

    private async Task<Outcome> FormatAsync(params string[] command)
    {
        await using var formatting = _cli.StartAs([.. command, _cli.Write("proofkey.1", await PrintAsync())]);
        await formatting.WriteAsync("");
        return await formatting.EndAsync();
    }

    private async Task<string> PrintAsync() => $"{await _cli.OutputOfAsync("manual")}\n";
}
