namespace ProofKey.Client.Tests;

/// <summary>Programs that need a renewal at the same time while the server does not answer wait for it together, and not one after the other.</summary>
public sealed class WaitingProgramsTests
{
    private const int Programs = 5;

    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/.well-known/openid-configuration")]
    [InlineData("/jwks")]
    [Assertion("RT-16")]
    public async Task A_server_that_does_not_answer_holds_up_each_program_once(string path)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        server.Time.Shift = AfterTheEnd;
        var (asked, everybody) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var goOn = new TaskCompletionSource();
        server.Instead[path] = async context =>
        {
            if (Interlocked.Increment(ref asked) == Programs) everybody.SetResult();
            await goOn.Task;
            await ScriptedServer.JsonAsync(context, 503, "{}");
        };

        var tokens = Enumerable.Range(0, Programs).Select(_ => RenewAsync(server, folder)).ToList();
        // All of them ask before one has an answer.
        await everybody.Task.WaitAsync(Patience, Cancel);
        goOn.SetResult();

        foreach (var token in tokens) (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => token)).Code.ShouldBe("server_status");
    }

    [Fact]
    [Assertion("RT-15"), Assertion("RT-16")]
    public async Task A_renewal_that_had_no_answer_in_time_has_failed_for_all_who_waited_for_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        server.Time.Shift = AfterTheEnd;
        var never = new TaskCompletionSource();
        server.Instead["/token"] = _ => never.Task;

        var tokens = Enumerable.Range(0, Programs).Select(_ => RenewAsync(server, folder, TimeSpan.FromSeconds(4))).ToList();

        foreach (var token in tokens) (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => token)).Code.ShouldBe("timeout");
        server.Count("/token").ShouldBe(2, "the sign-in, and one renewal");
        never.SetResult();
        server.Instead.Clear();
        // Who comes later tries anew.
        await RenewAsync(server, folder);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_renewal_whose_program_was_killed_has_failed_for_nobody_else()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        Task<AccessToken> token;
        using var killed = new SessionVault(folder.Store, "default");
        using (await killed.LockAsync(Cancel))
        {
            token = session.GetAccessTokenAsync(cancel: Cancel);
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Cancel);
            // What a program that is killed leaves behind: a mark, and a lock that is free.
            await client.Vault.SaveAsync(session.Stored with { Renewing = RenewalMark.Of(session.Stored.RefreshToken!, server.Time.GetUtcNow()) }, Cancel);
        }

        (await token).ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());
    }

    [Fact]
    public async Task Tokens_that_another_program_got_meanwhile_need_no_server()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        await using var client = new PublicClient(server.Options() with { Store = folder.Store });
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        var (arrived, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        server.Instead["/.well-known/openid-configuration"] = async context =>
        {
            arrived.SetResult();
            await goOn.Task;
            await ScriptedServer.JsonAsync(context, 503, "{}");
        };
        var token = session.GetAccessTokenAsync(cancel: Cancel);
        await arrived.Task;

        var now = server.Time.GetUtcNow();
        await client.Vault.SaveAsync(session.Stored with { AccessToken = "of-another-program", RefreshToken = "rotated", ObtainedAt = now, ExpiresAt = now + AfterTheEnd }, Cancel);
        goOn.SetResult();

        (await token).Reveal().ShouldBe("of-another-program");
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task The_token_that_ended_a_wait_is_the_one_that_is_handed_out()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var first = await SignedInAsync(server, folder);
        var old = (await first.FindSessionAsync(Cancel))!.Stored;
        var programs = Enumerable.Range(0, 30).Select(_ => new PublicClient(server.Options() with { Store = folder.Store })).ToList();
        var sessions = await Task.WhenAll(programs.Select(program => program.FindSessionAsync(Cancel)));
        server.Time.Shift = AfterTheEnd;
        var fresh = old with { AccessToken = "fresh", ObtainedAt = server.Time.GetUtcNow(), ExpiresAt = server.Time.GetUtcNow() + AfterTheEnd };

        using (await first.Vault.LockAsync(Cancel))
        {
            // For who has no lock the file may be what it was before, from one look to the next.
            var path = folder.Vault;
            var states = new List<byte[]>();
            foreach (var state in (StoredSession[])[fresh, old])
            {
                await first.Vault.SaveAsync(state, Cancel);
                states.Add(await File.ReadAllBytesAsync(path, Cancel));
            }
            using var stop = new CancellationTokenSource();
            var changes = Task.Run(() =>
            {
                string[] next = [path + ".fresh", path + ".old"];
                while (!stop.IsCancellationRequested)
                {
                    foreach (var (file, state) in next.Zip(states)) File.WriteAllBytes(file, state);
                    if (!OperatingSystem.IsWindows()) foreach (var file in next) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                    foreach (var file in next) File.Move(file, path, overwrite: true);
                }
            }, Cancel);
            var tokens = await Task.WhenAll(sessions.Select(session => session!.GetAccessTokenAsync(cancel: Cancel)));
            await stop.CancelAsync();
            await changes;
            tokens.ShouldAllBe(token => token.ExpiresAt == fresh.ExpiresAt);
        }

        foreach (var program in programs) await program.DisposeAsync();
    }

    [Fact]
    public async Task Signing_out_asks_for_metadata_before_it_takes_the_lock()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var other = await SignedInAsync(server, folder);
        await using var client = new PublicClient(server.Options() with { Store = folder.Store });
        var session = (await client.FindSessionAsync(Cancel))!;
        var (arrived, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        server.Instead["/.well-known/openid-configuration"] = async context =>
        {
            arrived.SetResult();
            await goOn.Task;
            await ScriptedServer.JsonAsync(context, 503, "{}");
        };
        var signingOut = session.SignOutAsync(Cancel);
        await arrived.Task;

        using (await other.Vault.LockAsync(Cancel).WaitAsync(Patience, Cancel)) { }
        goOn.SetResult();

        (await signingOut).Revoked.ShouldBeFalse();
    }

    // A client of its own opens the lock file by itself, as a process would, and knows no metadata yet.
    private static async Task<string> RenewAsync(ScriptedServer server, TemporaryFolder folder, TimeSpan? limit = null)
    {
        await using var client = new PublicClient(server.Options() with { Store = folder.Store, RequestTimeout = limit ?? TimeSpan.FromSeconds(30) });
        return (await (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel)).Reveal();
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TemporaryFolder folder)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
