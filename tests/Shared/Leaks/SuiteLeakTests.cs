
namespace ProofKey.Tests.Leaks;

/// <summary>Everything that the client said in this whole assembly, looked through for every secret of the run.</summary>
[Collection(AfterAllOthers.Name)]
public sealed class SuiteLeakTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-13")]
    public async Task Nothing_that_any_test_made_the_client_say_holds_a_secret()
    {
        await SayEverythingAsync();
        var witness = SuiteWitness.OfThisSuite;

        witness.Find().ShouldBeEmpty();

        // An empty net catches nothing.
        witness.Secrets.ShouldBeGreaterThan(10);
        witness.Texts.Keys.Except(["log"]).ShouldBe(["event", "exception", "object", "page", "result"], ignoreOrder: true);
        TestContext.Current.SendDiagnosticMessage($"{witness.Secrets} secrets, {string.Join(", ", witness.Texts.Select(kind => $"{kind.Value} of {kind.Key}"))}");
    }

    [Theory]
    [InlineData("event")]
    [InlineData("exception")]
    [InlineData("result")]
    [Assertion("CL-13")]
    public void What_holds_one_would_be_found(string kind)
    {
        var (witness, secret) = (new SuiteWitness(), Secret.NewText());
        witness.Secret("code", secret);
        witness.Said(kind, $"could not redeem {secret} at the server");
        witness.Said(kind, "another text");

        var leak = witness.Find().ShouldHaveSingleItem();

        (leak.Secret, leak.Text.Contains(secret, StringComparison.Ordinal)).ShouldBe(("code", false));
        leak.Text.ShouldStartWith($"{kind} \"could not redeem …");
    }

    // Enough for this class to be run by itself: a good ending, a refusal that repeats what it was sent, and each kind of text.
    private static async Task SayEverythingAsync()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using (var pending = await client.BeginAsync(Cancel))
        {
            await pending.OpenBrowserAsync(Cancel);
            (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
            await browser.Page;
        }
        server.Time.Shift += TimeSpan.FromHours(1);
        server.Instead["/token"] = async context =>
        {
            var form = await context.Request.ReadFormAsync();
            await ScriptedServer.JsonAsync(context, 400, $$"""{"error":"invalid_client","error_description":"you sent {{form["refresh_token"]}}"}""");
        };
        await Should.ThrowAsync<SignInRequiredException>(async () => await (await client.GetStoredSessionAsync(Cancel)).GetAccessTokenAsync(cancel: Cancel));
    }
}
