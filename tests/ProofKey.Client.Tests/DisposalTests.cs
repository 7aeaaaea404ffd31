namespace ProofKey.Client.Tests;

/// <summary>Whoever waits for something of a client that is disposed hears of it.</summary>
public sealed class DisposalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_waits_for_a_refresh_hears_that_the_client_was_disposed()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = TimeSpan.FromMinutes(11);
        var held = await client.Vault.LockAsync(Cancel);
        var disposing = client.DisposeAsync().AsTask();

        var waiting = client.Vault.LockAsync(Cancel);
        held.Dispose();
        await disposing;

        await Should.ThrowAsync<ObjectDisposedException>(() => waiting.WaitAsync(Patience, Cancel));
        await Should.ThrowAsync<ObjectDisposedException>(() => session.GetAccessTokenAsync(cancel: Cancel).WaitAsync(Patience, Cancel));
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(5)]
    public async Task A_token_that_is_good_and_due_is_handed_out_where_nothing_can_renew_it_any_more(int? minutes)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        await client.DisposeAsync();
        server.Time.Shift = TimeSpan.FromMinutes(8.9);

        (await session.GetAccessTokenAsync(minutes is { } valid ? TimeSpan.FromMinutes(valid) : null, Cancel)).Reveal().ShouldBe(session.Stored.AccessToken);
    }

    [Fact]
    public async Task Who_waits_for_the_sign_in_of_another_call_hears_that_the_client_was_disposed()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = new PublicClient(server.Options());
        var end = new TaskCompletionSource();
        var asking = client.GetSessionAsync(
            async _ =>
            {
                await end.Task;
                throw new SignInRequiredException(SignInRequiredReason.UserDenied);
            },
            Cancel);
        var waiting = client.GetSessionAsync(Cancel);

        await client.DisposeAsync();
        end.SetResult();

        await Should.ThrowAsync<SignInRequiredException>(() => asking.WaitAsync(Patience, Cancel));
        await Should.ThrowAsync<ObjectDisposedException>(() => waiting.WaitAsync(Patience, Cancel));
    }
}
