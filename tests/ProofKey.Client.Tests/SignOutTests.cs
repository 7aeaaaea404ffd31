namespace ProofKey.Client.Tests;

public sealed class SignOutTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("LO-13")]
    [Rfc("RFC 7009", "2.1")]
    public async Task The_refresh_token_is_revoked_and_the_session_deleted()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var (client, session) = await SignedInAsync(server, folder);
        await using var owned = client;
        var refreshToken = session.Stored.RefreshToken;

        (await session.SignOutAsync(Cancel)).ShouldBe(new SignOutResult(true, null));

        var form = server.Revocations.First();
        form["token"].ShouldBe(refreshToken);
        form["token_type_hint"].ShouldBe("refresh_token");
        (await client.FindSessionAsync(Cancel)).ShouldBeNull();
        File.Exists(folder.Vault).ShouldBeFalse();
        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Reason.ShouldBe(SignInRequiredReason.SignedOut);
    }

    [Fact]
    [Assertion("LO-13")]
    [Rfc("RFC 7009", "2.1")]
    public async Task Access_tokens_that_have_not_ended_are_revoked_after_it_for_a_server_that_leaves_them()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store, Resource = "https://orders.example/", FurtherResources = ["https://bills.example/", "https://mails.example/"] });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.AccessTokenSeconds = 60;
        await session.GetAccessTokenAsync("https://mails.example/", cancel: Cancel);
        server.AccessTokenSeconds = 600;
        server.Time.Shift = TimeSpan.FromMinutes(2);
        var bills = await session.GetAccessTokenAsync("https://bills.example/", cancel: Cancel);

        await session.SignOutAsync(Cancel);

        server.Revocations.Select(form => form["token_type_hint"]).ShouldBe(["refresh_token", "access_token", "access_token"]);
        server.Revocations.Skip(1).Select(form => form["token"]).Order().ShouldBe(new[] { session.Stored.AccessToken, bills.Reveal() }.Order());
    }

    [Fact]
    [Rfc("RFC 7009", "2.2.1")]
    public async Task A_server_that_revokes_no_access_tokens_has_revoked_the_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var (client, session) = await SignedInAsync(server, folder);
        await using var owned = client;
        var asked = 0;
        server.Instead["/revoke"] = context => Interlocked.Increment(ref asked) == 1 ? Task.CompletedTask : ScriptedServer.ErrorAsync(context, "unsupported_token_type", 503);

        (await session.SignOutAsync(Cancel)).ShouldBe(new SignOutResult(true, null));
        asked.ShouldBe(2);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(400)]
    [InlineData(302)]
    [Assertion("RV-07")]
    public async Task The_session_is_deleted_even_when_the_server_does_not_revoke(int status)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var (client, session) = await SignedInAsync(server, folder);
        await using var owned = client;
        server.Instead["/revoke"] = context => ScriptedServer.JsonAsync(context, status, "{}");

        var result = await session.SignOutAsync(Cancel);

        result.Revoked.ShouldBeFalse();
        result.Problem.ShouldNotBeNull();
        (await client.FindSessionAsync(Cancel)).ShouldBeNull();
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task The_session_is_deleted_even_when_the_server_is_gone()
    {
        var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var (client, _) = await SignedInAsync(server, folder);
        await client.DisposeAsync();
        await server.DisposeAsync();
        await using var later = new PublicClient(server.Options() with { Store = folder.Store });
        var session = (await later.FindSessionAsync(Cancel))!;

        var result = await session.SignOutAsync(Cancel);

        result.Revoked.ShouldBeFalse();
        result.Problem!.ShouldContain("could not be reached");
        result.Problem!.ShouldNotContain("kept");
        (await later.FindSessionAsync(Cancel)).ShouldBeNull();
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task The_token_follows_no_redirect()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var thief = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var (client, session) = await SignedInAsync(server, folder);
        await using var owned = client;
        server.Instead["/revoke"] = context => DiscoveryTests.Redirect(context, 307, thief.At("/revoke"));

        (await session.SignOutAsync(Cancel)).Revoked.ShouldBeFalse();

        thief.Paths.ShouldBeEmpty();
    }

    [Fact]
    public async Task Another_profile_stays_signed_in()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var (home, session) = await SignedInAsync(server, folder, "home");
        await using var first = home;
        var (work, _) = await SignedInAsync(server, folder, "work");
        await using var second = work;

        await session.SignOutAsync(Cancel);

        (await work.FindSessionAsync(Cancel)).ShouldNotBeNull();
    }

    private static async Task<(PublicClient Client, Session Session)> SignedInAsync(ScriptedServer server, TemporaryFolder folder, string profile = "default")
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { Store = folder.Store, Profile = profile });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        return (client, session);
    }
}
