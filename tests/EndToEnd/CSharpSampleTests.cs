using System.Security.Cryptography;
using System.Text.RegularExpressions;
using ProofKey.Tests.Keyrings;

namespace EndToEnd;

/// <summary>The single-file programs of samples/, run as their readers run them.</summary>
public sealed partial class CSharpSampleTests(RunningServer server, SampleProgram.Folder folder) : IClassFixture<SampleProgram.Folder>
{
    private const string Application = "https://your-app.example/callback";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Document_003_in_three_steps_of_the_client_library()
    {
        var sample = await SampleProgram.BuildAsync("document-003.cs", folder);

        (await PasteAsync(sample, new Person(), addition: "")).ShouldBe((0, "Signed in as"));
        (await PasteAsync(sample, new Person { Decision = "deny" }, addition: "")).ShouldBe((9, "Not signed in"));
        (await PasteAsync(sample, new Person(), addition: "&state=another")).ShouldBe((7, "This is not an answer to our request"));
    }

    [Fact]
    public async Task Sign_in_calls_the_protected_api_and_opens_no_browser_the_second_time()
    {
        var apiSample = await SampleProgram.BuildAsync("protected-api.cs", folder);
        var clientSample = await SampleProgram.BuildAsync("sign-in.cs", folder);
        var apiAddress = $"http://127.0.0.1:{RunningServer.FreePort()}/";
        var client = await server.AddClientAsync(
            "Sign-in sample", Cancellation, "--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid profile orders.read", "--audience", DemoApi.Audience);
        await using var api = apiSample.Run(server.Issuer, DemoApi.Audience, "--urls", apiAddress);
        await api.ReadUntilAsync(Listening, Cancellation);
        using var browser = new BrowserStandIn();
        using var person = new Person { PostsAnswers = true };
        await using var keyring = await Keyring.StartAsync(Path.Combine(folder.Path, "keyring"));
        clientSample.SessionBus = keyring.Address;

        await using var first = clientSample.RunWithBrowser(browser.Command, server.Issuer, client, apiAddress);
        var answer = await person.AnswerAsync(await browser.OpenedAsync(Cancellation), Cancellation);
        using var page = await person.OpenAsync(answer, Cancellation);
        var signedIn = await first.ExitAsync(Cancellation);
        await using var second = clientSample.Run(server.Issuer, client, apiAddress);
        var again = await second.ExitAsync(Cancellation);

        signedIn.ExitCode.ShouldBe(0, signedIn.Errors);
        signedIn.LastLine.ShouldStartWith("The orders of ");
        again.ExitCode.ShouldBe(0, again.Errors);
        again.LastLine.ShouldBe(signedIn.LastLine);
    }

    [Fact]
    public async Task Four_lines_sign_in_call_an_api_and_survive_a_restart()
    {
        var sample = await SampleProgram.BuildAsync("four-lines.cs", folder);
        sample.Statements.Count().ShouldBe(4);
        var client = await server.AddClientAsync("Four lines", Cancellation, "--redirect-uri", "http://127.0.0.1/callback");
        using var person = new Person { PostsAnswers = true };
        await using var keyring = await Keyring.StartAsync(Path.Combine(folder.Path, "keyring-4"));
        sample.SessionBus = keyring.Address;
        string[] arguments = [server.Issuer, client, $"{server.Issuer}/userinfo"];

        var (signedIn, _) = await SignInAsync(sample, person, arguments);
        // Its browser is a command that fails.
        await using var second = sample.Run(arguments);
        var again = await second.ExitAsync(Cancellation);

        signedIn.ExitCode.ShouldBe(0, signedIn.Errors);
        signedIn.LastLine.ShouldContain("\"sub\":");
        again.ExitCode.ShouldBe(0, again.Errors);
        again.LastLine.ShouldBe(signedIn.LastLine);
    }

    [Fact]
    public async Task The_app_with_dependency_injection_signs_in_once_and_refuses_a_wrong_key()
    {
        var apiSample = await SampleProgram.BuildAsync("protected-api.cs", folder);
        var sample = await SampleProgram.BuildAsync("app.cs", folder);
        var apiAddress = $"http://127.0.0.1:{RunningServer.FreePort()}/";
        var client = await server.AddClientAsync("App", Cancellation, "--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid profile orders.read", "--audience", DemoApi.Audience);
        await using var api = apiSample.Run(server.Issuer, DemoApi.Audience, "--urls", apiAddress);
        await api.ReadUntilAsync(Listening, Cancellation);
        using var person = new Person { PostsAnswers = true };
        var key = Path.Combine(folder.Path, "app.key");
        await File.WriteAllBytesAsync(key, RandomNumberGenerator.GetBytes(32), Cancellation);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string[] arguments =
        [
            "--Api", apiAddress, "--ProofKey:Clients:contoso:Issuer", server.Issuer, "--ProofKey:Clients:contoso:ClientId", client,
            "--ProofKey:Clients:contoso:Scope", "openid orders.read", "--ProofKey:Clients:contoso:Application", "proofkey-app", "--ProofKey:Clients:contoso:KeyFile", key,
        ];

        await using var mistaken = sample.Run([.. arguments, "--ProofKey:Clients:contoso:Timeout", "soon"]);
        var refused = await mistaken.ExitAsync(Cancellation);
        var (signedIn, _) = await SignInAsync(sample, person, arguments);
        await using var second = sample.Run(arguments);
        var again = await second.ExitAsync(Cancellation);

        refused.ExitCode.ShouldBe(1);
        refused.Errors.ShouldContain("ProofKey:Clients:contoso:Timeout cannot be read. Write a time such as 00:05:00.");
        signedIn.ExitCode.ShouldBe(0, signedIn.Errors);
        signedIn.LastLine.ShouldStartWith("The orders of ");
        signedIn.Errors.ShouldContain("contoso: signed in.");
        again.ExitCode.ShouldBe(0, again.Errors);
        again.LastLine.ShouldBe(signedIn.LastLine);
    }

    [Fact]
    public async Task The_steps_tell_each_ending_from_the_others()
    {
        var sample = await SampleProgram.BuildAsync("steps.cs", folder);
        var client = await server.AddClientAsync("Steps", Cancellation, "--redirect-uri", "http://127.0.0.1/callback");
        using var person = new Person { PostsAnswers = true };
        using var denier = new Person { PostsAnswers = true, Decision = "deny" };

        var (signedIn, page) = await SignInAsync(sample, person, [server.Issuer, client]);
        var (denied, _) = await SignInAsync(sample, denier, [server.Issuer, client]);
        await using var unknown = sample.Run("http://127.0.0.1:1", client);
        var away = await unknown.ExitAsync(Cancellation);

        (signedIn.ExitCode, denied.ExitCode, away.ExitCode).ShouldBe((0, 9, 6), signedIn.Errors + denied.Errors + away.Errors);
        signedIn.LastLine.ShouldStartWith("Signed in as ");
        page.ShouldContain("You are <b>");
        denied.LastLine.ShouldBe("The person said no.");
        away.LastLine.ShouldContain("could not be reached");
    }

    [Fact]
    public async Task The_command_line_tool_signs_in_with_what_was_pasted_and_asks_nobody_the_second_time()
    {
        var (tool, client) = await CommandLineToolAsync("pasted");
        using var person = new Person();
        await using var first = tool.Run(server.Issuer, client);

        var request = new Uri((await first.ReadUntilAsync(SignInAt, Cancellation)).Groups["address"].Value);
        (await first.ReadUntilAsync(PasteIt, Cancellation)).Value.ShouldContain("since this is an SSH session");
        await first.WriteLineAsync("https://elsewhere.example/?code=x&state=y");
        await first.ReadUntilAsync(NotIt, Cancellation);
        // The address of a pushed request ends; an empty line brings one that is good.
        await first.WriteLineAsync("");
        var again = new Uri((await first.ReadUntilAsync(Address, Cancellation)).Value);
        await first.WriteLineAsync((await person.AnswerAsync(again, Cancellation)).AbsoluteUri);
        var signedIn = await first.ExitAsync(Cancellation);
        await using var second = tool.Run(server.Issuer, client);
        var kept = await second.ExitAsync(Cancellation);

        again.GetLeftPart(UriPartial.Path).ShouldBe(request.GetLeftPart(UriPartial.Path));
        signedIn.ExitCode.ShouldBe(0, signedIn.Errors);
        signedIn.LastLine.ShouldStartWith("Signed in as ");
        (kept.ExitCode, kept.LastLine, kept.Errors).ShouldBe((0, signedIn.LastLine, ""));
    }

    [Fact]
    public async Task The_command_line_tool_takes_what_comes_to_its_listener_while_it_waits_for_what_is_pasted()
    {
        var (tool, client) = await CommandLineToolAsync("forwarded");
        using var person = new Person();
        await using var program = tool.Run(server.Issuer, client);

        var request = new Uri((await program.ReadUntilAsync(SignInAt, Cancellation)).Groups["address"].Value);
        await program.ReadUntilAsync(PasteIt, Cancellation);
        // As a browser does behind a forwarded port; standard input stays open.
        using var page = await person.OpenAsync(await person.AnswerAsync(request, Cancellation), Cancellation);
        await program.ReadUntilAsync(SignedIn, Cancellation);

        (await program.ExitAsync(Cancellation)).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task The_command_line_tool_says_that_the_person_said_no()
    {
        var (tool, client) = await CommandLineToolAsync("denied");
        using var person = new Person { Decision = "deny" };
        await using var program = tool.Run(server.Issuer, client);

        var request = new Uri((await program.ReadUntilAsync(SignInAt, Cancellation)).Groups["address"].Value);
        await program.WriteLineAsync((await person.AnswerAsync(request, Cancellation)).AbsoluteUri);
        var denied = await program.ExitAsync(Cancellation);

        denied.ExitCode.ShouldBe(9, denied.Errors);
        denied.Errors.ShouldContain("the person said no");
    }

    [Fact]
    public async Task The_command_line_tool_shows_a_code_to_who_asked_for_one()
    {
        var (tool, client) = await CommandLineToolAsync("device");
        using var person = new Person();
        await using var program = tool.Run(server.Issuer, client, "--device");

        var shown = await program.ReadUntilAsync(Code, Cancellation);
        await person.BrowseAsync(new Uri($"{shown.Groups["address"].Value}?user_code={shown.Groups["code"].Value}"), Cancellation);
        var signedIn = await program.ExitAsync(Cancellation);

        signedIn.ExitCode.ShouldBe(0, signedIn.Errors);
        signedIn.LastLine.ShouldStartWith("Signed in as ");
    }

    private async Task<(SampleProgram Tool, string Client)> CommandLineToolAsync(string name)
    {
        var tool = await SampleProgram.BuildAsync("command-line-tool.cs", folder);
        var home = Directory.CreateDirectory(Path.Combine(folder.Path, name)).FullName;
        var key = Path.Combine(home, "key");
        await File.WriteAllBytesAsync(key, RandomNumberGenerator.GetBytes(32), Cancellation);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        tool.DataHome = home;
        (tool.Variables["SSH_TTY"], tool.Variables["CODESPACES"], tool.Variables["VSCODE_IPC_HOOK_CLI"], tool.Variables["MY_TOOL_KEY_FILE"]) = ("/dev/pts/0", "", "", key);
        return (tool, await server.AddClientAsync("Tool", Cancellation, "--redirect-uri", "http://127.0.0.1/callback", "--device"));
    }

    [GeneratedRegex("^Sign in at (?<address>http.+)$")]
    private static partial Regex SignInAt { get; }

    [GeneratedRegex("^Open it in a browser elsewhere, .+, and paste the address")]
    private static partial Regex PasteIt { get; }

    [GeneratedRegex("^That is not it: .+ Paste it again:$")]
    private static partial Regex NotIt { get; }

    [GeneratedRegex("^http.+$")]
    private static partial Regex Address { get; }

    [GeneratedRegex("^Signed in as ")]
    private static partial Regex SignedIn { get; }

    [GeneratedRegex(@"^Open (?<address>http\S+) and enter (?<code>\S+)\.")]
    private static partial Regex Code { get; }

    private static async Task<(ChildProcess.Result Result, string Page)> SignInAsync(SampleProgram sample, Person person, string[] arguments)
    {
        using var browser = new BrowserStandIn();
        await using var program = sample.RunWithBrowser(browser.Command, arguments);
        var answer = await person.AnswerAsync(await browser.OpenedAsync(Cancellation), Cancellation);
        using var page = await person.OpenAsync(answer, Cancellation);
        var html = await page.Content.ReadAsStringAsync(Cancellation);
        return (await program.ExitAsync(Cancellation), html);
    }

    [GeneratedRegex("Now listening on")]
    private static partial Regex Listening { get; }

    /// <summary>Runs a sample that reads the address that the browser ended at.</summary>
    /// <returns>Its exit code, and the sentence that it ends with.</returns>
    private async Task<(int ExitCode, string Sentence)> PasteAsync(SampleProgram sample, Person person, string addition)
    {
        using var theirs = person;
        var client = await server.AddClientAsync("Document 003", Cancellation, "--redirect-uri", Application);
        await using var program = sample.Run(server.Issuer, client, Application);

        var request = await program.ReadUntilAsync(PythonProgram.AuthorizationRequest, Cancellation);
        var answer = await person.AnswerAsync(new Uri(request.Value), Cancellation);
        await program.WriteLineAsync($"{answer.AbsoluteUri}{addition}");
        var result = await program.ExitAsync(Cancellation);
        return (result.ExitCode, Sentences.First(sentence => result.LastLine.StartsWith(sentence, StringComparison.Ordinal)));
    }

    private static readonly string[] Sentences = ["Signed in as", "Not signed in", "This is not an answer to our request", ""];
}
