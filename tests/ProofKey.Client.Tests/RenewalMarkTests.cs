using Microsoft.AspNetCore.Http;

namespace ProofKey.Client.Tests;

/// <summary>What is written before a refresh token is sent, and what it is good for when the answer never arrives.</summary>
public sealed class RenewalMarkTests
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-15")]
    public async Task The_mark_is_in_the_vault_before_the_refresh_token_is_sent_and_goes_with_its_successor()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        var sent = session.Stored.RefreshToken!;
        server.Time.Shift = AfterTheEnd;
        RenewalMark? whileItIsSent = null;
        server.SpoilTokens = _ => whileItIsSent = folder.SessionAsync().GetAwaiter().GetResult()!.Renewing;

        await session.GetAccessTokenAsync(cancel: Cancel);

        whileItIsSent.ShouldBe(new RenewalMark(RenewalMark.DigestOf(sent), whileItIsSent!.At));
        whileItIsSent.At.ShouldBe(server.Time.GetUtcNow(), TimeSpan.FromMinutes(1));
        (await folder.SessionAsync())!.Renewing.ShouldBeNull();
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Where_the_mark_cannot_be_written_nothing_is_sent()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        // A folder in the place of the next file stands for a disk that takes no more.
        Directory.CreateDirectory(folder.Vault + ".new");

        (await Should.ThrowAsync<TokenStoreException>(() => session.GetAccessTokenAsync(cancel: Cancel))).State.ShouldBe(TokenStoreState.Denied);

        server.TokenRequests.Count.ShouldBe(1);
        Directory.Delete(folder.Vault + ".new");
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Tokens_that_were_written_and_did_not_get_their_place_are_those_of_the_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using (var client = await SignedInAsync(server, folder))
        {
            server.Time.Shift = AfterTheEnd;
            byte[] marked = [];
            server.SpoilTokens = _ => marked = File.ReadAllBytes(folder.Vault);
            await (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel);
            // Killed between the flush of the new file and its step into the old one's place.
            File.Move(folder.Vault, folder.Vault + ".new");
            WriteOwn(folder.Vault, marked);
        }
        server.SpoilTokens = null;
        server.Time.Shift = 2 * AfterTheEnd;

        await using var next = new PublicClient(server.Options() with { Store = folder.Store });
        await (await next.GetStoredSessionAsync(Cancel)).GetAccessTokenAsync(cancel: Cancel);

        server.Reuses.ShouldBe(0);
        File.Exists(folder.Vault + ".new").ShouldBeFalse();
    }

    [Fact]
    [Assertion("RT-15")]
    public void What_a_write_left_that_was_cut_off_goes_only_when_the_next_one_has_its_place()
    {
        using var folder = new TemporaryFolder();
        OwnerFile.MakeFolder(folder.Vault);
        OwnerFile.Replace(folder.Vault, "before"u8);
        WriteOwn(folder.Vault + ".new", "all that is left of a session"u8.ToArray());
        Directory.CreateDirectory(folder.Vault + ".new.new");
        Should.Throw<TokenStoreException>(() => OwnerFile.Replace(folder.Vault, "after"u8));
        File.ReadAllText(folder.Vault + ".new").ShouldBe("all that is left of a session");

        Directory.Delete(folder.Vault + ".new.new");
        OwnerFile.Replace(folder.Vault, "after"u8);
        File.ReadAllText(folder.Vault).ShouldBe("after");
        Directory.GetFiles(Path.GetDirectoryName(folder.Vault)!).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(400)]
    public async Task A_part_of_a_file_that_did_not_get_its_place_counts_for_nothing(int length)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await folder.SessionAsync())!;
        using (var vault = new SessionVault(folder.Store, "default")) await vault.SaveAsync(session with { Renewing = RenewalMark.Of(session.RefreshToken!, server.Time.GetUtcNow()) }, Cancel);
        WriteOwn(folder.Vault + ".new", (await File.ReadAllBytesAsync(folder.Vault, Cancel))[..length]);

        (await folder.SessionAsync())!.RefreshToken.ShouldBe(session.RefreshToken);
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task Who_signs_out_leaves_no_file_with_tokens_behind()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        File.Copy(folder.Vault, folder.Vault + ".new");

        await (await client.FindSessionAsync(Cancel))!.SignOutAsync(Cancel);

        Directory.GetFiles(folder.Store.Folder).ShouldAllBe(file => file.EndsWith(".lock", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(503, "text/html", "<html>", true)]
    [InlineData(500, "application/json", "{}", true)]
    [InlineData(200, "text/html", "<html>portal</html>", true)]
    [InlineData(302, "text/html", "", true)]
    [InlineData(200, "application/json", "{", true)]
    [InlineData(429, "application/json", "{}", false)]
    [InlineData(400, "application/json", "{\"error\":\"invalid_client\"}", false)]
    [InlineData(400, "application/json", "{\"error\":\"invalid_request\"}", false)]
    public async Task The_mark_stays_where_the_token_may_be_spent_and_only_there(int status, string type, string body, bool stays)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, status, body, type);

        await Should.ThrowAsync<ClientException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        (await folder.SessionAsync())!.WasInterrupted.ShouldBe(stays);
    }

    [Theory]
    [InlineData("""{"access_token":"fresh","token_type":"mac","expires_in":600}""", "token_type")]
    [InlineData("""{"access_token":"fresh","token_type":"Bearer","expires_in":-1}""", "expires_in")]
    [InlineData("""{"token_type":"Bearer"}""", "malformed_token_answer")]
    public async Task An_answer_that_fails_a_check_of_a_server_that_does_not_rotate_leaves_no_mark(string answer, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, 200, answer);

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe(code);

        (await folder.SessionAsync())!.Renewing.ShouldBeNull();
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_grant");
        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("session_ended");
    }

    [Fact]
    public async Task A_server_that_is_not_there_leaves_no_mark()
    {
        var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        // Metadata and keys are known: the token request is what finds nobody.
        await client.Discovery.GetAsync(Cancel);
        await server.DisposeAsync();

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("no_connection");

        (await folder.SessionAsync())!.WasInterrupted.ShouldBeFalse();
    }

    [Fact]
    [Rfc("RFC 9449", "8")]
    public async Task A_server_that_is_never_content_with_its_own_nonce_leaves_no_mark()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = true;
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "use_dpop_nonce");

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("dpop_nonce");

        (await folder.SessionAsync())!.WasInterrupted.ShouldBeFalse();
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task An_answer_that_was_lost_is_named_when_the_server_refuses_and_one_sign_in_cures_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        server.Time.Shift = AfterTheEnd;
        // The server has rotated, and says so to nobody.
        server.SpoilTokens = _ => throw new InvalidOperationException("The answer is lost.");
        await using (var first = new PublicClient(server.Options() with { Store = folder.Store }))
            await Should.ThrowAsync<AuthorizationServerUnavailableException>(async () => await (await first.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel));
        server.SpoilTokens = null;

        // Another process, later: this server tolerates nothing.
        using var browser = new TestBrowser();
        await using var second = new PublicClient(server.Options(browser) with { Store = folder.Store });
        var session = (await second.FindSessionAsync(Cancel))!;
        var ended = await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        ended.Reason.ShouldBe(SignInRequiredReason.SessionEnded);
        ended.Code.ShouldBe("renewal_interrupted");
        ended.Message.ShouldContain("the previous renewal was interrupted");
        ended.Remedy.ShouldBe("Sign in again.");
        var cured = await second.GetSessionAsync(Cancel);
        server.AuthorizeRequests.Count.ShouldBe(2);
        server.Time.Shift = 2 * AfterTheEnd;
        await cured.GetAccessTokenAsync(cancel: Cancel);
        (await folder.SessionAsync())!.Renewing.ShouldBeNull();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("RT-16")]
    public async Task All_who_had_the_session_are_told_of_the_lost_answer_that_one_of_them_asked_the_server_about(bool inFile)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var store = inFile ? folder.Store : TokenStore.Of(new SharedMemory());
        await (await SignedInAsync(server, store)).DisposeAsync();
        server.Time.Shift = AfterTheEnd;
        server.SpoilTokens = _ => throw new InvalidOperationException("The answer is lost.");
        await using (var killed = new PublicClient(server.Options() with { Store = store }))
            await Should.ThrowAsync<AuthorizationServerUnavailableException>(async () => await (await killed.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel));
        server.SpoilTokens = null;
        var clients = Enumerable.Range(0, 5).Select(_ => new PublicClient(server.Options() with { Store = store })).ToList();
        var sessions = await Task.WhenAll(clients.Select(client => client.FindSessionAsync(Cancel)));
        var sent = server.TokenRequests.Count;

        var ended = await Task.WhenAll(sessions.Select(session => Should.ThrowAsync<SignInRequiredException>(() => session!.GetAccessTokenAsync(cancel: Cancel))));

        ended.ShouldAllBe(end => end.Code == "renewal_interrupted" && end.Reason == SignInRequiredReason.SessionEnded);
        server.TokenRequests.Count.ShouldBe(sent + 1);
        // The word is for this session: whoever signs in ends it.
        await (await SignedInAsync(server, store)).DisposeAsync();
        (await Should.ThrowAsync<SignInRequiredException>(() => sessions[0]!.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("signed_out");
        File.Exists(folder.Vault + ".interrupted").ShouldBeFalse();
        foreach (var client in clients) await client.DisposeAsync();
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_session_that_the_server_ended_by_itself_is_not_called_interrupted()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_grant");

        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("session_ended");
    }

    [Fact]
    public async Task A_mark_that_another_attempt_left_outlives_a_refusal_that_says_nothing_about_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = context => ScriptedServer.JsonAsync(context, StatusCodes.Status503ServiceUnavailable, "{}");
        await Should.ThrowAsync<ClientException>(() => session.GetAccessTokenAsync(cancel: Cancel));
        var mark = (await folder.SessionAsync())!.Renewing;

        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_client");
        await Should.ThrowAsync<ClientException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        (await folder.SessionAsync())!.Renewing.ShouldBe(mark.ShouldNotBeNull());
    }

    private static void WriteOwn(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static Task<PublicClient> SignedInAsync(ScriptedServer server, TemporaryFolder folder) => SignedInAsync(server, folder.Store);

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TokenStore store)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { Store = store });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
