namespace ProofKey.Client.Tests;

/// <summary>A token that has not ended is never withheld because its successor could not be had.</summary>
public sealed class WithheldTokenTests
{
    private static readonly TimeSpan DueForRenewal = TimeSpan.FromMinutes(8.9);
    private static readonly TimeSpan NearTheEnd = TimeSpan.FromMinutes(9.5);
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("temporarily_unavailable")]
    [InlineData("server_error")]
    [InlineData("invalid_client")]
    [InlineData("invalid_request")]
    [Assertion("RT-16")]
    public async Task A_renewal_ahead_of_time_that_is_refused_is_no_matter_and_is_not_tried_again_at_once(string error)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored.AccessToken;
        server.Time.Shift = DueForRenewal;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, error);

        for (var call = 0; call < 3; call++) (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(before);

        server.Count("/token").ShouldBe(2, "the sign-in, and one renewal");
    }

    [Theory]
    [InlineData("temporarily_unavailable")]
    [InlineData("invalid_client")]
    [Assertion("RT-16")]
    public async Task A_refusal_in_the_last_minute_leaves_the_token_that_is_good_until_then(string error)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored.AccessToken;
        server.Time.Shift = NearTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, error);

        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(before);
    }

    [Theory]
    [InlineData("temporarily_unavailable")]
    [InlineData("server_error")]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task A_token_endpoint_in_trouble_is_away_and_nobody_has_to_sign_in(string error)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, error);

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe(error);

        server.Instead.Clear();
        (await session.GetAccessTokenAsync(cancel: Cancel)).ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser));
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
