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
