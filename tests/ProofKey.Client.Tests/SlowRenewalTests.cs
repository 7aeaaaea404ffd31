namespace ProofKey.Client.Tests;

/// <summary>A renewal ahead of time is a courtesy: it holds nobody up who has a good token.</summary>
public sealed class SlowRenewalTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-16")]
    public async Task A_server_that_takes_its_time_does_not_hold_up_who_has_a_good_token()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        var before = session.Stored.AccessToken;
        var (arrived, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        server.Time.Shift = TimeSpan.FromMinutes(8.9);
        server.Instead["/token"] = async context =>
        {
            arrived.SetResult();
            await goOn.Task;
            await ScriptedServer.JsonAsync(context, 200, """{"access_token":"fresh","token_type":"Bearer","expires_in":600,"refresh_token":"rotated"}""");
        };

        (await session.GetAccessTokenAsync(cancel: Cancel).WaitAsync(TimeSpan.FromSeconds(15), Cancel)).Reveal().ShouldBe(before);
        await arrived.Task;
        // The next ones do not wait at all.
        for (var call = 0; call < 50; call++) (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(before);

        goOn.SetResult();
        using (await client.Vault.LockAsync(Cancel)) (await client.FindSessionAsync(Cancel))!.Stored.RefreshToken.ShouldBe("rotated");
        server.Time.Shift = TimeSpan.FromMinutes(9.5);
        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe("fresh");
        server.Count("/token").ShouldBe(2);
    }
}
