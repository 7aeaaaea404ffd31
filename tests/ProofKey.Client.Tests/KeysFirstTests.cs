namespace ProofKey.Client.Tests;

/// <summary>The keys that check an ID token are there before anything is spent for it.</summary>
public sealed class KeysFirstTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.3.3")]
    public async Task They_are_read_while_the_person_is_at_the_page()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(Cancel);
        var read = new TaskCompletionSource();
        server.Keys = () =>
        {
            read.SetResult();
            return new Jose.JwkSet([server.Key.PublicKey]).ToJson();
        };

        var waiting = pending.EndAsync(Cancel);
        await read.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        server.AuthorizeRequests.ShouldBeEmpty();
        using var browser = new TestBrowser();
        await browser.BrowseAsync(pending.AuthorizeUri);

        (await waiting).ShouldBeOfType<SignInResult.SignedIn>();
        server.Count("/jwks").ShouldBe(1);
    }

    [Theory]
    [InlineData(503, "server_status")]
    [InlineData(404, "malformed_keys")]
    public async Task Where_they_cannot_be_had_no_code_is_sent(int status, string outcome)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/jwks"] = context => ScriptedServer.JsonAsync(context, status, "{}");

        (await SignInAsync(server)).Outcome.ShouldBe(outcome);

        server.TokenRequests.ShouldBeEmpty();
        // Once ahead, and once more when they were needed.
        server.Count("/jwks").ShouldBe(2);
    }

    [Fact]
    public async Task Where_they_could_not_be_had_once_the_sign_in_succeeds_all_the_same()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/jwks"] = context =>
        {
            server.Instead.Clear();
            return ScriptedServer.JsonAsync(context, 503, "{}");
        };

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Fact]
    public async Task A_program_that_receives_its_callback_itself_has_them_first_too()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/jwks"] = context => ScriptedServer.JsonAsync(context, 503, "{}");
        await using var client = new PublicClient(server.Options() with { Redirect = new Redirect.PrivateUse(RedirectUri.Parse("com.example.app:/callback")) });
        await using var pending = await client.BeginAsync(Cancel);

        (await pending.EndAsync(await SignInTests.CallbackOfAsync(pending), Cancel)).ShouldBeOfType<SignInResult.Unavailable>();

        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_asks_for_no_ID_token_needs_none()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Scope = Scope.Parse("profile") });

        await client.GetSessionAsync(Cancel);

        server.Count("/jwks").ShouldBe(0);
    }

    private static async Task<SignInResult> SignInAsync(ScriptedServer server)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        return await pending.EndAsync(Cancel);
    }
}
