using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>Everything that our programs said in any test, to people and in logs, looked through for whatever is secret in what went over the wires.</summary>
[Collection(AfterAllOthers.Name)]
public sealed partial class LeakTests(RunningServer server)
{
    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-13")]
    [Assertion("TK-19")]
    public async Task Nothing_that_any_program_said_without_being_asked_for_it_holds_a_secret()
    {
        await SayEverythingAsync();
        var witness = SuiteWitness.OfThisSuite;

        witness.Find().ShouldBeEmpty();

        // An empty net catches nothing.
        foreach (var name in (string[])["code", "code verifier", "access token", "refresh token", "id token", "state", "password", "proofkey-session", "key of a vault", "root key"]) witness.Names.ShouldContain(name);
        foreach (var kind in (string[])["stderr of serve", "stderr of login", "stdout of whoami", "stderr of token", "log"]) witness.Texts.Keys.ShouldContain(kind);
        witness.Texts.Keys.ShouldNotContain("stdout of token", "that is what it is for");
        TestContext.Current.SendDiagnosticMessage($"{witness.Secrets} secrets, {witness.Texts.Values.Sum()} texts");
    }

    [Fact]
    [Assertion("CL-13")]
    public void What_holds_one_would_be_found()
    {
        var (witness, code) = (new SuiteWitness(), ProofKey.Secret.NewText());
        witness.Heard($"POST /token HTTP/1.1\r\nHost: x\r\n\r\ngrant_type=authorization_code&code={code}");
        witness.Said("stderr of serve", $"refused {code}");

        witness.Find().ShouldHaveSingleItem().Secret.ShouldBe("code");
    }

    // Enough for this class to be run by itself.
    private async Task SayEverythingAsync()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        using var program = new ProofKeyProgram();
        using var person = new Person();
        var client = await server.AddClientAsync("Terminal", Cancellation, "--redirect-uri", "http://127.0.0.1/callback", "--audience", DemoApi.Audience);
        await using (var login = program.Start("login", server.Issuer, "--client-id", client, "--no-browser"))
        {
            var answer = await person.AnswerAsync(new Uri((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value), Cancellation);
            using var page = await person.OpenAsync(answer, Cancellation);
            (await login.ExitAsync(Cancellation)).ExitCode.ShouldBe(0);
        }
        foreach (var verb in (string[][])[["whoami"], ["token"], ["call", "GET", api.Orders.AbsoluteUri], ["logout"], ["token", "--no-input"]]) await program.RunAsync(verb, Cancellation);
    }
}
