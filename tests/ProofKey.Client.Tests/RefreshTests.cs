using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Client.Tests;

public sealed class RefreshTests
{
    private static readonly TimeSpan NearTheEnd = TimeSpan.FromMinutes(9.5);
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 6749", "6")]
    public async Task A_token_near_its_end_is_refreshed_and_the_new_ones_are_stored_first()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored;
        server.Time.Shift = NearTheEnd;

        var token = await session.GetAccessTokenAsync(cancel: Cancel);

        token.Reveal().ShouldNotBe(before.AccessToken);
        token.ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow() + TimeSpan.FromMinutes(9));
        var stored = (await client.Vault.FindAsync(client.Options, Cancel))!;
        stored.AccessToken.ShouldBe(token.Reveal());
        stored.RefreshToken.ShouldNotBe(before.RefreshToken);
        server.TokenRequests.Last().Keys.Order().ShouldBe(["client_id", "grant_type", "refresh_token"]);
    }

    [Fact]
    public async Task A_token_that_lasts_is_not_refreshed()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = TimeSpan.FromMinutes(7);

        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(1);

        await session.GetAccessTokenAsync(TimeSpan.FromMinutes(5), Cancel);
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task More_life_than_the_server_gives_cannot_be_had_and_does_not_refresh_each_time()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;

        for (var i = 0; i < 3; i++) await session.GetAccessTokenAsync(TimeSpan.FromHours(5), Cancel);

        server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_session_survives_a_restart()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        server.Time.Shift = AfterTheEnd;

        await using var later = new PublicClient(server.Options() with { Store = folder.Store });
        var session = await later.GetSessionAsync(Cancel);

        session.Subject.ShouldBe("alice");
        session.Claims.GetProperty("name").GetString().ShouldBe("Alice");
        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Many_callers_in_one_process_share_one_refresh()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;

        var tokens = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => session.GetAccessTokenAsync(cancel: Cancel)));

        tokens.Select(token => token.Reveal()).Distinct().Count().ShouldBe(1);
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_refresh_that_fails_fails_once_for_all_who_wait_for_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        var everybodyWaits = new TaskCompletionSource();
        server.Instead["/token"] = async context =>
        {
            await everybodyWaits.Task;
            await ScriptedServer.JsonAsync(context, 503, "{}");
        };

        var calls = Enumerable.Range(0, 50).Select(_ => session.GetAccessTokenAsync(cancel: Cancel)).ToList();
        everybodyWaits.SetResult();

        foreach (var call in calls) await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => call);
        server.Count("/token").ShouldBe(2);
    }

    [Fact]
    [Assertion("RT-15")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task Two_hundred_clients_on_one_file_refresh_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        server.Time.Shift = AfterTheEnd;

        // Each client opens the lock file by itself, as a process of its own would.
        var tokens = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(async () =>
        {
            await using var client = new PublicClient(server.Options() with { Store = folder.Store });
            return (await (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel)).Reveal();
        })));

        tokens.Distinct().Count().ShouldBe(1);
        server.TokenRequests.Count(request => request["grant_type"] == "refresh_token").ShouldBe(1);
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_process_that_is_killed_while_it_holds_the_lock_leaves_the_session_usable()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        // It had begun to write the next file, too.
        await File.WriteAllTextAsync(folder.Vault + ".new", "ProofKey", Cancel);
        using var holder = await LockedByAnotherProcessAsync(folder.Vault + ".lock");
        server.Time.Shift = AfterTheEnd;
        await using var client = new PublicClient(server.Options() with { Store = folder.Store });
        var waiting = (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel);
        (await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Cancel))).ShouldNotBe(waiting);

        holder.Kill(entireProcessTree: true);

        (await waiting).Reveal().ShouldBe((await client.Vault.FindAsync(client.Options, Cancel))!.AccessToken);
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Who_waits_for_the_lock_takes_what_another_process_stored_and_sends_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var first = await SignedInAsync(server, folder);
        await using var second = new PublicClient(server.Options() with { Store = folder.Store });
        var session = (await second.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        Task<AccessToken> waiting;
        using (await first.Vault.LockAsync(Cancel))
        {
            waiting = session.GetAccessTokenAsync(cancel: Cancel);
            var stored = (await first.Vault.FindAsync(first.Options, Cancel))!;
            await first.Vault.SaveAsync(stored with { AccessToken = "fresh", ObtainedAt = server.Time.GetUtcNow(), ExpiresAt = server.Time.GetUtcNow() + TimeSpan.FromMinutes(10) }, Cancel);
            // The lock is still held: the token is enough to go on.
            (await waiting).Reveal().ShouldBe("fresh");
        }
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_caller_who_gives_up_does_not_stop_the_refresh_for_the_others()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        var gate = Gate(server);
        using var giveUp = new CancellationTokenSource();
        var first = session.GetAccessTokenAsync(cancel: giveUp.Token);
        var second = session.GetAccessTokenAsync(cancel: Cancel);

        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => first);
        server.Instead.Clear();
        gate.SetResult();

        await second;
        session.ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());
        server.Reuses.ShouldBe(0);
    }

    [Theory]
    [InlineData(500, "application/json", "{\"error\":\"invalid_grant\"}")]
    [InlineData(503, "text/html", "<html>")]
    [InlineData(429, "application/json", "{\"error\":\"slow_down\"}")]
    [InlineData(200, "text/html", "<html>portal</html>")]
    [InlineData(400, "text/html", "<html>proxy</html>")]
    [InlineData(302, "text/html", "")]
    [InlineData(200, "application/json", "{")]
    [InlineData(400, "application/json", "{\"error\":\"invalid_client\"}")]
    [InlineData(400, "application/json", "{\"error\":\"invalid_request\"}")]
    [InlineData(400, "application/json", "{\"error\":\"INVALID_GRANT\"}")]
    [Assertion("RT-16")]
    [Rfc("RFC 6749", "5.2")]
    public async Task Nothing_but_invalid_grant_ends_the_session(int status, string type, string body)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, status, body, type);

        await Should.ThrowAsync<ClientException>(() => session.GetAccessTokenAsync(cancel: Cancel));
        var kept = (await folder.SessionAsync())!;
        (kept.Id, kept.RefreshToken, kept.AccessToken, kept.ExpiresAt).ShouldBe((before.Id, before.RefreshToken, before.AccessToken, before.ExpiresAt));

        server.Instead.Clear();
        (await session.GetAccessTokenAsync(cancel: Cancel)).ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_timeout_keeps_the_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        await using var hasty = new PublicClient(server.Options() with { Store = folder.Store, RequestTimeout = TimeSpan.FromMilliseconds(200) });
        var session = (await hasty.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("timeout");

        (await hasty.FindSessionAsync(Cancel)).ShouldNotBeNull();
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task Invalid_grant_ends_the_session_and_the_next_call_signs_in()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store, OnEvent = SuiteWitness.And(events.Add) });
        var session = await client.GetSessionAsync(Cancel);
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_grant");

        var ended = await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        ended.Reason.ShouldBe(SignInRequiredReason.SessionEnded);
        (await client.FindSessionAsync(Cancel)).ShouldBeNull();
        events.ShouldContain(new ClientEvent.RefreshFailed("session_ended", SessionKept: false));
        server.Instead.Clear();
        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");
        server.AuthorizeRequests.Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Invalid_grant_does_not_end_a_session_that_another_program_rotated()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        // It does not keep to our lock: the file changes while our request is under way.
        server.Instead["/token"] = async context =>
        {
            var stored = (await client.Vault.FindAsync(client.Options, Cancel))!;
            await client.Vault.SaveAsync(stored with { RefreshToken = "rotated", AccessToken = "fresh", ExpiresAt = server.Time.GetUtcNow() + TimeSpan.FromMinutes(10) }, Cancel);
            await ScriptedServer.ErrorAsync(context, "invalid_grant");
        };

        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe("fresh");
        (await client.Vault.FindAsync(client.Options, Cancel))!.RefreshToken.ShouldBe("rotated");
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_token_that_has_not_ended_is_good_enough_while_the_server_is_away()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = NearTheEnd;
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, 503, "{}");

        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(session.Stored.AccessToken);
        server.Time.Shift = AfterTheEnd;
        await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel));
    }

    [Fact]
    public async Task Without_a_refresh_token_the_session_ends_with_its_access_token()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.GivesRefreshTokens = false;
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;

        server.Time.Shift = NearTheEnd;
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.Time.Shift = AfterTheEnd;
        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Reason.ShouldBe(SignInRequiredReason.SessionEnded);
        session.CanRefresh.ShouldBeFalse();
    }

    [Fact]
    [Rfc("RFC 6749", "6")]
    public async Task No_new_refresh_token_means_that_the_old_one_goes_on()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var refreshToken = session.Stored.RefreshToken;
        server.SpoilTokens = tokens => tokens.Remove("refresh_token");
        server.Time.Shift = AfterTheEnd;

        await session.GetAccessTokenAsync(cancel: Cancel);

        session.Stored.RefreshToken.ShouldBe(refreshToken);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Tokens_that_could_not_be_stored_are_stored_by_the_next_call_and_not_spent_again()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        // A folder in the place of the next file stands for a disk that takes no more, from the moment when the server has answered.
        server.SpoilTokens = _ => Directory.CreateDirectory(folder.Vault + ".new");
        (await Should.ThrowAsync<TokenStoreException>(() => session.GetAccessTokenAsync(cancel: Cancel))).State.ShouldBe(TokenStoreState.Denied);

        server.SpoilTokens = null;
        Directory.Delete(folder.Vault + ".new");
        await session.GetAccessTokenAsync(cancel: Cancel);

        server.TokenRequests.Count.ShouldBe(2);
        server.Time.Shift = 2 * AfterTheEnd;
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(3);
        server.Reuses.ShouldBe(0);
    }

    [Theory]
    [InlineData("sub", "\"mallory\"", "id_token_subject")]
    [InlineData("iss", "\"http://evil.example\"", "id_token_issuer")]
    [InlineData("aud", "\"another\"", "id_token_audience")]
    [InlineData("aud", "[\"cli\",\"another\"]", "id_token_azp")]
    [InlineData("nonce", "\"another\"", "id_token_nonce")]
    [InlineData("auth_time", "1", "id_token_auth_time")]
    [Assertion("RT-14")]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task The_ID_token_of_a_refresh_is_about_the_same_sign_in(string claim, string json, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims["auth_time"] = 1000;
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored;
        server.Time.Shift = AfterTheEnd;
        server.SpoilIdToken = claims =>
        {
            claims["auth_time"] = 1000;
            claims[claim] = JsonNode.Parse(json);
        };

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe(code);
        session.Stored.ShouldBe(before);
        session.Subject.ShouldBe("alice");
    }

    [Fact]
    [Assertion("RT-14")]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task The_ID_token_of_a_refresh_has_the_first_audience_and_no_more()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.SpoilIdToken = claims =>
        {
            claims["aud"] = new JsonArray(ScriptedServer.ClientId, "another");
            claims["azp"] = ScriptedServer.ClientId;
        };

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("id_token_audience");
    }

    [Fact]
    [Assertion("RT-14")]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task The_ID_token_of_a_refresh_may_repeat_the_first_nonce()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        var nonce = session.Claims.GetProperty("nonce").GetString();
        server.SpoilIdToken = claims => claims["nonce"] = nonce;

        await session.GetAccessTokenAsync(cancel: Cancel);

        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_refresh_token_is_not_spent_while_the_keys_cannot_be_had()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        server.Time.Shift = AfterTheEnd;
        server.Instead["/jwks"] = context => ScriptedServer.JsonAsync(context, 503, "{}");
        await using var later = new PublicClient(server.Options() with { Store = folder.Store });
        var session = (await later.FindSessionAsync(Cancel))!;

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("server_status");
        server.TokenRequests.Count.ShouldBe(1);

        server.Instead.Clear();
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(2);
        server.Reuses.ShouldBe(0);
    }

    [Theory]
    [InlineData("id_token", "\"x\"", "id_token_malformed")]
    [InlineData("token_type", "\"mac\"", "token_type")]
    [InlineData("access_token", "null", "malformed_token_answer")]
    [InlineData("expires_in", "0", "expires_in")]
    [InlineData("scope", "\"\"", "malformed_scope")]
    [Assertion("RT-15")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task A_new_refresh_token_is_kept_even_when_the_rest_of_the_answer_is_refused(string member, string json, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        var before = session.Stored;
        server.Time.Shift = AfterTheEnd;
        server.SpoilTokens = tokens => tokens[member] = JsonNode.Parse(json);

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe(code);

        var kept = (await client.Vault.FindAsync(client.Options, Cancel))!;
        kept.RefreshToken.ShouldNotBe(before.RefreshToken);
        kept.AccessToken.ShouldBe(before.AccessToken);
        server.SpoilTokens = null;
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Last()["refresh_token"].ShouldBe(kept.RefreshToken);
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Disposing_the_client_waits_for_a_refresh_that_the_server_has_seen()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        var (arrived, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        server.Instead["/token"] = async context =>
        {
            arrived.SetResult();
            await gate.Task;
            await ScriptedServer.JsonAsync(context, 200, """{"access_token":"fresh","token_type":"Bearer","refresh_token":"rotated"}""");
        };
        var refresh = session.GetAccessTokenAsync(cancel: Cancel);
        await arrived.Task;

        var disposing = client.DisposeAsync().AsTask();
        gate.SetResult();
        await disposing;

        (await client.Vault.FindAsync(client.Options, Cancel))!.RefreshToken.ShouldBe("rotated");
        (await refresh).Reveal().ShouldBe("fresh");
    }

    [Fact]
    public async Task Disposing_the_client_waits_no_longer_than_for_one_request()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        var hasty = new PublicClient(server.Options() with { Store = folder.Store, RequestTimeout = TimeSpan.FromMilliseconds(100) });
        using var held = await hasty.Vault.LockAsync(Cancel);

        await hasty.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }

    [Fact]
    [Assertion("CL-16")]
    public async Task A_refresh_that_grants_another_scope_says_so()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.SpoilTokens = tokens => tokens["scope"] = "openid profile admin";

        await session.GetAccessTokenAsync(cancel: Cancel);

        session.Scope.ToString().ShouldBe("openid profile admin");
        (await client.FindSessionAsync(Cancel)).ShouldNotBeNull();
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TemporaryFolder? folder = null)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { Store = folder?.Store ?? TokenStore.InMemory });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }

    private static TaskCompletionSource Gate(ScriptedServer server)
    {
        var gate = new TaskCompletionSource();
        server.Instead["/.well-known/openid-configuration"] = async context =>
        {
            await gate.Task;
            await ScriptedServer.JsonAsync(context, StatusCodes.Status503ServiceUnavailable, "{}");
        };
        return gate;
    }

    // flock(1) takes the very lock that the library takes, in a process that can be killed.
    private static async Task<Process> LockedByAnotherProcessAsync(string path)
    {
        var process = Process.Start(new ProcessStartInfo("flock", [path, "sh", "-c", "echo locked; sleep 60"]) { RedirectStandardOutput = true })!;
        (await process.StandardOutput.ReadLineAsync(Cancel)).ShouldBe("locked");
        return process;
    }
}
