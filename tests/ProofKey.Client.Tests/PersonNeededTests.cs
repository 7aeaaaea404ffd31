namespace ProofKey.Client.Tests;

/// <summary>A server that wants to see the person before it renews a session (OpenID Connect Core section 3.1.2.6 has the codes) has ended nothing.</summary>
public sealed class PersonNeededTests
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("interaction_required")]
    [InlineData("login_required")]
    [InlineData("consent_required")]
    [InlineData("account_selection_required")]
    [Rfc("OpenID Connect Core", "3.1.2.6")]
    public async Task The_call_that_may_ask_the_person_does(string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options() with
        {
            OpenBrowser = (address, cancel) =>
            {
                // It has seen the person.
                server.Instead.Clear();
                return browser.OpenAsync(address, cancel);
            },
        });
        var first = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, code);

        var second = await client.GetSessionAsync(Cancel);

        second.Stored.Id.ShouldNotBe(first.Stored.Id);
        server.AuthorizeRequests.Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_call_that_may_not_says_what_to_do_and_the_session_is_kept_until_the_person_has_signed_in()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "interaction_required");

        var needed = await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel));
        (needed.Reason, needed.Remedy).ShouldBe((SignInRequiredReason.Refused, "Sign in again."));
        server.AuthorizeError = "access_denied";
        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Reason.ShouldBe(SignInRequiredReason.UserDenied);

        (await client.FindSessionAsync(Cancel))!.Stored.Id.ShouldBe(session.Stored.Id);
    }

    [Fact]
    public async Task A_client_that_the_server_does_not_know_asks_nobody()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_client");

        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Error!.Code.ShouldBe("invalid_client");
        server.AuthorizeRequests.Count.ShouldBe(1);
    }
}
