namespace ProofKey.Client.Tests;

/// <summary>A token is better than none while its renewal fails, until it has ended: a renewal that fails may take longer than that.</summary>
public sealed class EndedTokenTests
{
    private static readonly TimeSpan TwentySecondsLeft = TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(503, "server_status")]
    [InlineData(400, "refused")]
    [Assertion("RT-16")]
    public async Task A_token_that_ended_while_its_renewal_failed_is_not_handed_out(int status, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = TwentySecondsLeft;
        server.Instead["/token"] = context =>
        {
            // As long as a time-out.
            server.Time.Shift += TimeSpan.FromSeconds(30);
            return ScriptedServer.JsonAsync(context, status, """{"error":"invalid_client"}""");
        };

        (await Should.ThrowAsync<ClientException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe(code);
    }

    [Fact]
    public async Task Nor_is_one_that_ended_while_its_client_was_disposed()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = TwentySecondsLeft;
        Task<AccessToken> waiting;
        using (await client.Vault.LockAsync(Cancel))
        {
            waiting = session.GetAccessTokenAsync(cancel: Cancel);
            server.Time.Shift += TimeSpan.FromSeconds(30);
            await client.Refresh.CloseAsync(Cancel);
        }

        await Should.ThrowAsync<ObjectDisposedException>(() => waiting);
        await client.DisposeAsync();
    }

    [Theory]
    [InlineData(60, 50)]
    [InlineData(120, 100)]
    [InlineData(600, 400)]
    [InlineData(3600, 2500)]
    public async Task A_token_of_a_short_life_is_renewed_once_in_it_and_not_at_each_call(int life, int calls)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.AccessTokenSeconds = life;
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;

        for (var call = 1; call <= calls; call++)
        {
            server.Time.Shift = call * 0.7 * TimeSpan.FromSeconds(life) / calls;
            await session.GetAccessTokenAsync(cancel: Cancel);
        }
        server.TokenRequests.Count.ShouldBe(1, "seven tenths of its life are for use");

        server.Time.Shift = 0.89 * TimeSpan.FromSeconds(life);
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(3600, 61, true)]
    [InlineData(3600, 59, false)]
    [InlineData(600, 59, false)]
    [InlineData(60, 7, true)]
    [InlineData(60, 5, false)]
    [InlineData(20, 6, true)]
    [InlineData(20, 4, false)]
    [InlineData(4, 3.9, true)]
    public void A_tenth_of_its_life_is_enough_and_a_minute_always_is(int life, double left, bool lasts)
    {
        var now = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var token = new HeldToken("token", now, now.AddSeconds(life));

        token.Lasts(null, now.AddSeconds(life - left)).ShouldBe(lasts);
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
