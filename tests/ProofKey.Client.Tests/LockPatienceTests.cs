namespace ProofKey.Client.Tests;

/// <summary>How long a program waits for the lock of a vault: for one holder that hangs, and not for many that work.</summary>
public sealed class LockPatienceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_holders_one_after_the_other_are_no_holder_that_hangs()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "a.lock");
        var holder = await TakeAsync(path);
        var holders = 1;

        // Each look at the lock finds another holder; all of them together take longer than one may.
        using var taken = await VaultLock.TakeAsync(
            path,
            () => { },
            async () =>
            {
                holder.Dispose();
                if (++holders < 30) holder = await TakeAsync(path);
                return false;
            },
            TimeSpan.FromMilliseconds(20),
            TimeSpan.FromMilliseconds(200),
            Cancel);

        holders.ShouldBe(30);
        taken.ShouldNotBeNull();
    }

    [Fact]
    public void One_renewal_may_take_as_long_as_its_requests()
    {
        VaultOf(new ClientOptions { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "cli", RequestTimeout = TimeSpan.FromMinutes(10) })
            .Patience.ShouldBeGreaterThan(TimeSpan.FromMinutes(40));
        VaultOf(new ClientOptions { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "cli", RequestTimeout = TimeSpan.FromSeconds(1) })
            .Patience.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(90));
    }

    [Fact]
    public void Who_waits_for_a_turn_waits_for_a_device_code_of_another_program_too() =>
        SessionVault.TurnOf(new ClientOptions { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "cli" }).ShouldBeGreaterThan(TimeSpan.FromHours(1));

    [Fact]
    [Assertion("RT-16")]
    public async Task A_lock_that_is_not_to_be_had_withholds_no_token_that_is_good()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        var before = session.Stored.AccessToken;
        client.Vault.Patience = TimeSpan.FromMilliseconds(50);
        using var held = await TakeAsync(folder.Vault + ".lock");

        server.Time.Shift = TimeSpan.FromMinutes(9.5);
        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(before);

        server.Time.Shift = TimeSpan.FromMinutes(11);
        (await Should.ThrowAsync<TokenStoreException>(() => session.GetAccessTokenAsync(cancel: Cancel))).State.ShouldBe(TokenStoreState.Locked);
    }

    private static async Task<VaultLock> TakeAsync(string path) =>
        (await VaultLock.TakeAsync(path, () => { }, () => Task.FromResult(false), TimeSpan.Zero, TimeSpan.FromSeconds(20), Cancel))!;

    private static SessionVault VaultOf(ClientOptions options) => new PublicClient(options).Vault;
}
