using System.Net.Sockets;
using System.Runtime.ExceptionServices;

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
        witness.Secrets.ShouldBeGreaterThan(5);
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

    [Fact]
    [Assertion("CL-13")]
    public async Task An_exception_of_the_client_is_heard_whatever_its_type()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var own = new PublicClient(server.Options() with { Redirect = new Redirect.PrivateUse(RedirectUri.Parse("com.example.app:/callback")) });
        await using var pending = await own.BeginAsync(Cancel);
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        using var api = new HttpClient(new TokenHandler(session, server.At("/api/"), new Broken()));
        using var request = new HttpRequestMessage(HttpMethod.Get, server.At("/api/me"));

        await HeardAsync<ArgumentException>(() => client.BeginAsync(SignInRoad.Device, Cancel));
        await HeardAsync<InvalidOperationException>(() => pending.CompleteAsync(Cancel));
        await HeardAsync<NotSupportedException>(() => Task.FromResult(api.Send(request, Cancel)));
        await HeardAsync<HttpRequestException>(() => api.GetAsync(server.At("/api/me"), Cancel));
        await client.DisposeAsync();
        server.Time.Shift += TimeSpan.FromHours(1);
        await HeardAsync<ObjectDisposedException>(() => session.GetAccessTokenAsync(cancel: Cancel));
    }

    // What it says is taken for a secret, and has to be found.
    private static async Task HeardAsync<TException>(Func<Task> call)
        where TException : Exception
    {
        var witness = new SuiteWitness();
        void Hear(object? sender, FirstChanceExceptionEventArgs thrown) => witness.Thrown(thrown.Exception);
        AppDomain.CurrentDomain.FirstChanceException += Hear;
        var seen = await Record.ExceptionAsync(call);
        AppDomain.CurrentDomain.FirstChanceException -= Hear;

        witness.Secret("what it says", seen.ShouldBeOfType<TException>().Message);

        witness.Find().ShouldContain(leak => leak.Text.StartsWith($"exception \"{typeof(TException).FullName}", StringComparison.Ordinal));
    }

    /// <summary>A connection that ends in the moment in which it is made.</summary>
    private sealed class Broken : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => throw new SocketException((int)SocketError.NotConnected);
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
