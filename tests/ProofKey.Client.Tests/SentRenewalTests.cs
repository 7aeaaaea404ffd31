namespace ProofKey.Client.Tests;

/// <summary>A client that is disposed gives up what it has not sent, and waits for what it has.</summary>
public sealed class SentRenewalTests
{
    private static readonly TimeSpan DueForRenewal = TimeSpan.FromMinutes(8.9);
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);
    // Less than one request may take.
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(15);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/.well-known/openid-configuration")]
    [InlineData("/jwks")]
    public async Task A_renewal_that_waits_for_metadata_or_keys_does_not_hold_up_the_end_of_the_program(string path)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        var (arrived, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        server.Instead[path] = async _ =>
        {
            arrived.SetResult();
            await end.Task;
        };
        server.Time.Shift = DueForRenewal;
        var client = new PublicClient(server.Options() with { Store = folder.Store });
        var session = (await client.FindSessionAsync(Cancel))!;
        var token = session.GetAccessTokenAsync(cancel: Cancel);
        await arrived.Task;

        await client.DisposeAsync().AsTask().WaitAsync(AtOnce, Cancel);

        (await token.WaitAsync(AtOnce, Cancel)).Reveal().ShouldBe(session.Stored.AccessToken);
        end.SetResult();
        server.TokenRequests.Count.ShouldBe(1);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeFalse();
    }

    [Fact]
    public async Task Nor_does_one_that_waits_for_another_program()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var other = await SignedInAsync(server, folder);
        var client = new PublicClient(server.Options() with { Store = folder.Store });
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        using var held = await other.Vault.LockAsync(Cancel);
        var token = session.GetAccessTokenAsync(cancel: Cancel);
        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Cancel);

        await client.DisposeAsync().AsTask().WaitAsync(AtOnce, Cancel);

        await Should.ThrowAsync<ObjectDisposedException>(() => token.WaitAsync(AtOnce, Cancel));
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact(Timeout = 60_000)]
    [Assertion("RT-15")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task What_was_sent_is_waited_for_as_long_as_its_requests_may_take()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = true;
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        var time = new ManualTime(TimeProvider.System.GetUtcNow());
        var client = new PublicClient(server.Options(browser) with { Store = folder.Store, TimeProvider = time });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        time.Advance(AfterTheEnd);
        TaskCompletionSource[] arrived = [new(), new()], goOn = [new(), new()];
        var asked = -1;
        server.Instead["/token"] = async context =>
        {
            var turn = Interlocked.Increment(ref asked);
            arrived[turn].SetResult();
            await goOn[turn].Task;
            // RFC 9449 section 8: the second request, too, may take its time.
            context.Response.Headers["DPoP-Nonce"] = "the-nonce";
            await (turn == 0 ? ScriptedServer.ErrorAsync(context, "use_dpop_nonce") : ScriptedServer.JsonAsync(context, 200, """{"access_token":"fresh","token_type":"DPoP","expires_in":600,"refresh_token":"rotated"}"""));
        };
        var token = session.GetAccessTokenAsync(cancel: Cancel);
        await arrived[0].Task;

        var disposing = client.DisposeAsync().AsTask();
        time.Advance(0.6 * client.Options.RequestTimeout);
        goOn[0].SetResult();
        await arrived[1].Task;
        // Together they take longer than one.
        time.Advance(0.6 * client.Options.RequestTimeout);
        disposing.IsCompleted.ShouldBeFalse();
        goOn[1].SetResult();

        await disposing;
        (await token).Reveal().ShouldBe("fresh");
        (await folder.SessionAsync())!.RefreshToken.ShouldBe("rotated");
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Tokens_that_could_not_be_stored_are_stored_at_the_end_if_they_can_be_then()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var client = await SignedInAsync(server, folder);
        await RenewOnAFullDiskAsync(server, folder, client);

        await client.DisposeAsync();

        await using var later = new PublicClient(server.Options() with { Store = folder.Store });
        server.Time.Shift = 2 * AfterTheEnd;
        await (await later.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel);
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("LO-13")]
    public async Task Signing_out_revokes_the_tokens_that_could_not_be_stored_and_not_the_one_that_is_spent()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var spent = (await folder.SessionAsync())!.RefreshToken;
        var session = await RenewOnAFullDiskAsync(server, folder, client);

        (await session.SignOutAsync(Cancel)).Revoked.ShouldBeTrue();

        server.Revocations.First()["token"].ShouldNotBe(spent);
        (await folder.SessionAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task A_renewal_that_everybody_has_given_up_fails_unheard()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server, folder: null);
        server.Time.Shift = AfterTheEnd;
        var unheard = new List<Exception>();
        void Hear(object? sender, UnobservedTaskExceptionEventArgs late)
        {
            // Other tests run at the same time.
            if (late.Exception.InnerExceptions.OfType<AuthorizationServerUnavailableException>().Any(failed => failed.RetryAfter == TimeSpan.FromSeconds(4711))) lock (unheard) unheard.Add(late.Exception);
        }
        TaskScheduler.UnobservedTaskException += Hear;
        try
        {
            await GiveUpAsync(server, client);
            using (await client.Vault.LockAsync(Cancel)) { }
            for (var round = 0; round < 5; round++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancel);
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Hear;
        }
        unheard.ShouldBeEmpty();
    }

    private static async Task GiveUpAsync(ScriptedServer server, PublicClient client)
    {
        var (arrived, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        server.Instead["/token"] = async context =>
        {
            arrived.SetResult();
            await goOn.Task;
            context.Response.Headers.RetryAfter = "4711";
            await ScriptedServer.JsonAsync(context, 503, "{}");
        };
        await AskAndGiveUpAsync(client, arrived.Task);
        goOn.SetResult();
    }

    // By itself, so that nothing that lives on holds what was asked for.
    private static async Task AskAndGiveUpAsync(PublicClient client, Task arrived)
    {
        using var giveUp = new CancellationTokenSource();
        var token = (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: giveUp.Token);
        await arrived;
        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => token);
    }

    // A folder in the place of the next file stands for a disk that takes no more, from the moment when the server has answered.
    private static async Task<Session> RenewOnAFullDiskAsync(ScriptedServer server, TemporaryFolder folder, PublicClient client)
    {
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.SpoilTokens = _ => Directory.CreateDirectory(folder.Vault + ".new");
        (await Should.ThrowAsync<TokenStoreException>(() => session.GetAccessTokenAsync(cancel: Cancel))).State.ShouldBe(TokenStoreState.Denied);
        server.SpoilTokens = null;
        Directory.Delete(folder.Vault + ".new");
        return session;
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TemporaryFolder? folder)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { Store = folder?.Store ?? TokenStore.InMemory });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
