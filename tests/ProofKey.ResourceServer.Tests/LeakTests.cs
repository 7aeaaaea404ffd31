namespace ProofKey.ResourceServer.Tests;

/// <summary>Every line that any API in these tests logged, looked through for every token and every proof that was sent to it.</summary>
[Collection(AfterAllOthers.Name)]
public sealed class LeakTests
{
    [Fact]
    [Assertion("TK-19")]
    public async Task No_log_line_of_any_test_holds_a_token_or_a_proof()
    {
        await SayEverythingAsync();
        var witness = SuiteWitness.OfThisSuite;

        witness.Find().ShouldBeEmpty();

        // An empty net catches nothing.
        witness.Names.ShouldContain("access token");
        witness.Texts["log"].ShouldBeGreaterThan(10);
        TestContext.Current.SendDiagnosticMessage($"{witness.Secrets} secrets, {witness.Texts["log"]} lines");
    }

    // Enough for this class to be run by itself.
    private static async Task SayEverythingAsync()
    {
        await using var issuer = await TestIssuer.StartAsync();
        await using var api = await Api.StartAsync(issuer);
        foreach (var token in (string[])[issuer.Token(), issuer.Token(claims => claims["exp"] = 1), issuer.Token() + "x"])
            using (await api.GetAsync("/orders/all", token)) { }
    }
}
