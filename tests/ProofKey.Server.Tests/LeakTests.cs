using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Every line that any server in these tests logged, looked through for every secret that was sent or answered.</summary>
[Collection(AfterAllOthers.Name)]
public sealed class LeakTests
{
    [Fact]
    [Assertion("TK-19")]
    public async Task No_log_line_of_any_test_holds_a_secret()
    {
        await SayEverythingAsync();
        var witness = SuiteWitness.OfThisSuite;

        witness.Find().ShouldBeEmpty();

        // An empty net catches nothing.
        foreach (var name in (string[])["code", "code verifier", "state", "nonce", "access token", "refresh token", "id token", "password", "form token", "step", "proofkey-browser", "root key"])
            witness.Names.ShouldContain(name);
        witness.Texts["log"].ShouldBeGreaterThan(10);
        TestContext.Current.SendDiagnosticMessage($"{witness.Secrets} secrets, {witness.Texts["log"]} lines");
    }

    // Enough for this class to be run by itself.
    private static async Task SayEverythingAsync()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        var tokens = await server.SignInAsync(client);
        (await server.RefreshAsync(client, tokens.Text("refresh_token") + "A")).Error.ShouldBe("invalid_grant");
        (await server.UserinfoAsync(tokens.Text("access_token") + "x")).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }
}
