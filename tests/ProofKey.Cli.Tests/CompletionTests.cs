namespace ProofKey.Cli.Tests;

/// <summary>Command lines are completed from the model that parses them, in the shells themselves.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly Cli _cli = new();

    public CompletionTests()
    {
        foreach (var name in (string[])["default", "work"]) AddProfile(name, $"https://{name}.example.com");
        _cli.Environment["PATH"] = $"{Path.GetDirectoryName(_cli.Program)}:{Environment.GetEnvironmentVariable("PATH")}";
    }

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("", "who", "whoami")]
    [InlineData("", "", "serve client resource scope user grant key database audit-log doctor store login token call exec whoami list switch logout decode demo completion manual")]
    [InlineData("client", "re", "remove")]
    [InlineData("token -o", "", "token header json env exec-credential git curl-config")]
    [InlineData("token", "--out", "--output")]
    [InlineData("token", "--output=he", "--output=header")]
    [InlineData("token -p", "", "default work")]
    [InlineData("token -p work", "--min", "--min-valid")]
    [InlineData("token --profile", "w", "work")]
    [InlineData("switch", "", "default work")]
    [InlineData("login", "", "https://default.example.com https://work.example.com")]
    [InlineData("login --client-id app", "https://w", "https://work.example.com")]
    [InlineData("login --response-mode", "", "auto query form_post")]
    [InlineData("login --qr --store", "f", "file")]
    [InlineData("client add --id-token-alg", "", "ES256 RS256 PS256")]
    [InlineData("database restore", "", ":files")]
    [InlineData("login --client-id", "", "")]
    [InlineData("call", "P", "POST PUT PATCH")]
    [InlineData("completion", "", "bash zsh fish powershell")]
    [InlineData("serve --data", "", ":files")]
    [InlineData("call POST https://api.example.com -d", "", ":files")]
    [InlineData("exec -p work --", "", ":files")]
    public async Task What_can_come_next_is_known(string before, string word, string expected) =>
        (await _cli.OutputOfAsync(["completion", "bash", "--", .. before.Split(' ', StringSplitOptions.RemoveEmptyEntries), $"={word}"])).ReplaceLineEndings(" ").ShouldBe(expected);

    [Theory]
    [InlineData("whoa\t", "proofkey whoami ")]
    [InlineData("token -o curl\t", "proofkey token -o curl-config ")]
    [InlineData("token --output=exec\t", "proofkey token --output=exec-credential ")]
    [InlineData("whoami -p w\t", "proofkey whoami -p work ")]
    [InlineData("login https://w\t", "proofkey login https://work.example.com ")]
    [InlineData("serve --config two\t", "proofkey serve --config two\\ words.json ")]
    public async Task In_bash_the_tab_key_completes(string typed, string line)
    {
        _cli.Write("two words.json", "");
        await using var shell = await StartAsync("bash --noprofile --norc -i", "source <(proofkey completion bash)");
        await TypeAsync(shell, typed, line);
    }

    [Theory]
    [InlineData("whoa\t", "proofkey whoami ")]
    [InlineData("token -o curl\t", "proofkey token -o curl-config ")]
    [InlineData("whoami -p w\t", "proofkey whoami -p work ")]
    [InlineData("login https://w\t", "proofkey login https://work.example.com ")]
    [InlineData("serve --config two\t", "proofkey serve --config two\\ words.json ")]
    public async Task In_zsh_the_tab_key_completes(string typed, string line)
    {
        _cli.Write("two words.json", "");
        // Without the line editor's colours and marks
        _cli.Environment["TERM"] = "dumb";
        await using var shell = await StartAsync("zsh -f -i", "unset zle_bracketed_paste; unsetopt promptsp; autoload -Uz compinit; compinit -u -D; source <(proofkey completion zsh)");
        await TypeAsync(shell, typed, line);
    }

    [Theory]
    [InlineData("bash --noprofile --norc -i", "source <(proofkey completion bash)")]
    [InlineData("zsh -f -i", "unset zle_bracketed_paste; unsetopt promptsp; autoload -Uz compinit; compinit -u -D; source <(proofkey completion zsh)")]
    public async Task An_address_that_means_something_to_the_shell_is_quoted(string shell, string setUp)
    {
        AddProfile("odd", "https://odd.example.com/a;b$(touch)");
        _cli.Environment["TERM"] = "dumb";
        await using var running = await StartAsync(shell, setUp);
        await TypeAsync(running, "login https://o\t", @"proofkey login https://odd.example.com/a\;b\$\(touch\) ");
    }

    [Fact]
    public async Task A_damaged_profile_hides_no_other()
    {
        AddProfile("damaged", "none");
        (await _cli.OutputOfAsync("completion", "bash", "--", "login", "=")).ShouldBe("https://default.example.com\nhttps://work.example.com");
        (await _cli.OutputOfAsync("completion", "bash", "--", "whoami", "-p", "=d")).ShouldBe("damaged\ndefault");
    }

    [Fact]
    public async Task Zsh_shows_what_a_word_means()
    {
        _cli.Environment["TERM"] = "dumb";
        await using var shell = await StartAsync("zsh -f -i", "unset zle_bracketed_paste; unsetopt promptsp; autoload -Uz compinit; compinit -u -D; source <(proofkey completion zsh)");
        await shell.TypeAsync("proofkey log\t\t");
        await shell.UntilAsync(new("login +-- Sign in, in a browser here or elsewhere"));
    }

    [Theory]
    [InlineData("proofkey whoa", "whoami\tSay who is signed in\n")]
    [InlineData("proofkey token -o curl", "curl-config\n")]
    [InlineData("proofkey whoami -p ", "default\nwork\n")]
    [InlineData("proofkey login https://w", "https://work.example.com\n")]
    [InlineData("proofkey serve --config two", "two words.json\n")]
    public async Task Fish_completes(string line, string expected)
    {
        _cli.Write("two words.json", "");
        await using var shell = _cli.StartAs("fish", "--no-config", "-c", $"proofkey completion fish | source; complete -C '{line}'");
        await shell.WriteAsync("");
        (await shell.EndAsync()).Output.ShouldBe(expected);
    }

    [Theory]
    [InlineData("proofkey whoa", "whoami\tSay who is signed in\n")]
    [InlineData("proofkey token -o curl", "curl-config\tcurl-config\n")]
    [InlineData("proofkey token --output=exec", "--output=exec-credential\t--output=exec-credential\n")]
    [InlineData("proofkey whoami -p ", "default\tdefault\nodd\todd\nwork\twork\n")]
    [InlineData("proofkey whoami -p 'work' --js", "--json\tPrint JSON\n")]
    [InlineData("proofkey login https://o", "'https://odd.example.com/a;b$(touch)'\thttps://odd.example.com/a;b$(touch)\n")]
    [InlineData("proofkey login \"https://w", "https://work.example.com\thttps://work.example.com\n")]
    [InlineData("proofkey serve --config two", "'./two words.json'\t./two words.json\n")]
    public async Task PowerShell_completes(string line, string expected)
    {
        AddProfile("odd", "https://odd.example.com/a;b$(touch)");
        _cli.Write("two words.json", "");
        await using var shell = _cli.StartAs(PowerShell.Command(_cli, $$"""
            Set-StrictMode -Version Latest
            Set-Location '{{_cli.PathOf("")}}'
            proofkey completion powershell | Out-String | Invoke-Expression
            $line = '{{line.Replace("'", "''", StringComparison.Ordinal)}}'
            foreach ($match in (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches) { "$($match.CompletionText)`t$($match.ToolTip)" }
            """));
        await shell.WriteAsync("");
        var outcome = await shell.EndAsync();
        outcome.ExitCode.ShouldBe(0, PowerShell.Remedy + outcome);
        outcome.Output.Replace(_cli.PathOf(""), ".", StringComparison.Ordinal).ShouldBe(expected);
    }

    [Fact]
    public async Task A_shell_that_is_not_known_is_refused() => (await _cli.RunAsync("completion", "tcsh")).ShouldBeFailure(2, "no completion for tcsh", "bash or zsh or fish or powershell");

    private void AddProfile(string name, string issuer)
    {
        Directory.CreateDirectory(_cli.PathOf($"state/proofkey/sessions/{name}"));
        _cli.Write($"state/proofkey/sessions/{name}/profile.json", $$"""{"name":"{{name}}","issuer":"{{issuer}}","client_id":"app","scope":"openid"}""");
    }

    // Where the terminal stands is what the shell made of the keys.
    private async Task<RunningCli> StartAsync(string shell, string setUp)
    {
        var running = _cli.StartAs("script", "-qfec", $"stty cols 200; exec {shell}", "/dev/stderr");
        await running.UntilAsync(new("[#$%] "));
        await running.TypeAsync($"PS1='> '; {setUp}; echo set''up\r");
        await running.UntilAsync(new(@"setup\s+.*> $"));
        return running;
    }

    private static async Task TypeAsync(RunningCli shell, string typed, string line)
    {
        await shell.TypeAsync($"proofkey {typed}");
        await shell.UntilAsync(new($"{System.Text.RegularExpressions.Regex.Escape(line)}$"));
        await shell.TypeAsync("\u0003exit\r");
    }
}
