namespace ProofKey.Client.Tests;

/// <summary>One sign-in for several APIs, each with a token of its own (RFC 8707).</summary>
public sealed class ResourceTests
{
    private const string Orders = "https://orders.example/";
    private const string Bills = "https://bills.example/";
    private const string Mails = "https://mails.example/";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 8707", "2"), Rfc("RFC 8707", "2.1"), Rfc("RFC 8707", "2.2")]
    public async Task All_are_asked_for_at_once_and_each_token_is_fetched_when_it_is_needed()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);

        server.AuthorizeRequests.Single().All("resource").ShouldBe([Orders, Bills, Mails]);
        server.TokenRequests.Single()["resource"].ShouldBe(Orders);
        var first = await session.GetAccessTokenAsync(cancel: Cancel);
        var bills = await session.GetAccessTokenAsync(Bills, cancel: Cancel);
        (await session.GetAccessTokenAsync(Orders, cancel: Cancel)).Reveal().ShouldBe(first.Reveal());
        (await session.GetAccessTokenAsync(Bills, cancel: Cancel)).Reveal().ShouldBe(bills.Reveal());

        bills.Reveal().ShouldNotBe(first.Reveal());
        server.TokenRequests.Select(form => form["resource"]).ShouldBe([Orders, Bills]);
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task The_tokens_are_kept_with_the_session_each_for_its_API()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        string bills;
        await using (var client = await SignedInAsync(server, folder)) bills = (await (await FoundAsync(client)).GetAccessTokenAsync(Bills, cancel: Cancel)).Reveal();

        await using var later = new PublicClient(Options(server) with { Store = folder.Store });
        (await (await FoundAsync(later)).GetAccessTokenAsync(Bills, cancel: Cancel)).Reveal().ShouldBe(bills);
        server.TokenRequests.Count.ShouldBe(2);

        await using var narrower = new PublicClient(Options(server) with { Store = folder.Store, FurtherResources = [Bills] });
        (await narrower.FindSessionAsync(Cancel)).ShouldBeNull("that session is for other APIs");
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task Callers_share_a_renewal_for_each_API_and_none_gets_the_token_of_another()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        server.Time.Shift = TimeSpan.FromMinutes(11);
        string[] wanted = [Orders, Bills, Mails];

        var tokens = await Task.WhenAll(Enumerable.Range(0, 60).Select(async i => (Api: wanted[i % 3], Token: (await session.GetAccessTokenAsync(wanted[i % 3], cancel: Cancel)).Reveal())));

        tokens.Distinct().Count().ShouldBe(3);
        tokens.Select(one => one.Token).Distinct().Count().ShouldBe(3);
        server.TokenRequests.Skip(1).Select(form => form["resource"]).Order(StringComparer.Ordinal).ShouldBe([Bills, Mails, Orders]);
        server.Reuses.ShouldBe(0, "one after the other, each with the newest refresh token");
        var stored = (await FoundAsync(client)).Stored;
        foreach (var (api, token) in tokens) stored.TokenFor(api)!.AccessToken.ShouldBe(token);
    }

    [Fact]
    public async Task A_renewal_for_one_API_leaves_the_others_as_they_are()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        await session.GetAccessTokenAsync(Bills, cancel: Cancel);
        var before = session.Stored;
        server.SpoilTokens = tokens => tokens["scope"] = "openid profile bills";

        await session.GetAccessTokenAsync(Mails, TimeSpan.FromMinutes(1), Cancel);

        session.Stored.AccessToken.ShouldBe(before.AccessToken);
        session.Stored.TokenFor(Bills).ShouldBe(before.TokenFor(Bills));
        session.Scope.ToString().ShouldBe("openid profile");
    }

    [Fact]
    [Rfc("RFC 8707", "2.2")]
    public async Task An_API_that_the_server_does_not_grant_is_refused_and_the_session_goes_on()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_target");

        var refused = await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(Bills, cancel: Cancel));

        (refused.Reason, refused.Error!.Code).ShouldBe((SignInRequiredReason.Refused, "invalid_target"));
        (await client.FindSessionAsync(Cancel)).ShouldNotBeNull();
        await Should.ThrowAsync<ArgumentException>(() => session.GetAccessTokenAsync("https://other.example/", cancel: Cancel));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("RT-16")]
    [Rfc("RFC 8707", "2.2")]
    public async Task An_API_that_is_refused_as_if_the_session_had_ended_ends_it_only_if_it_has(bool hasEnded)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = await FoundAsync(client);
        server.Instead["/token"] = async context =>
        {
            var form = await context.Request.ReadFormAsync(Cancel);
            if (hasEnded || form["resource"] == Bills) await ScriptedServer.ErrorAsync(context, "invalid_grant");
            else await ScriptedServer.JsonAsync(context, 200, """{"access_token":"of-the-orders","token_type":"Bearer","expires_in":600,"refresh_token":"rotated"}""");
        };

        var refused = await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(Bills, cancel: Cancel));

        (refused.Reason, refused.Error!.Code).ShouldBe((hasEnded ? SignInRequiredReason.SessionEnded : SignInRequiredReason.Refused, "invalid_grant"));
        var stored = await folder.SessionAsync();
        (stored?.AccessToken, stored?.RefreshToken, stored?.Renewing).ShouldBe(hasEnded ? (null, null, null) : ("of-the-orders", "rotated", null));
    }

    [Fact]
    public async Task The_HTTP_client_of_an_API_sends_its_token_and_replaces_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        using var http = session.CreateHttpClient(server.At("/api/"), Bills);
        var bills = await session.GetAccessTokenAsync(Bills, cancel: Cancel);
        (await http.GetStringAsync("me", Cancel)).ShouldBe($"Bearer {bills.Reveal()}");
        server.Instead["/api/me"] = context =>
        {
            if (context.Request.Headers.Authorization != $"Bearer {bills.Reveal()}") return ScriptedServer.JsonAsync(context, 200, "\"fine\"");
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            return ScriptedServer.JsonAsync(context, 401, "{}");
        };
        // A token that has just come is replaced by none.
        server.Time.Shift = TimeSpan.FromMinutes(1);

        (await http.GetStringAsync("me", Cancel)).ShouldBe("\"fine\"");

        server.TokenRequests.Last()["resource"].ShouldBe(Bills);
        Should.Throw<ArgumentException>(() => session.CreateHttpClient(server.At("/api/"), "https://other.example/"));
    }

    [Fact]
    public async Task A_token_is_replaced_where_this_view_of_the_session_has_none_for_that_API()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var (session, other) = (await FoundAsync(client), await FoundAsync(client));
        var bills = await other.GetAccessTokenAsync(Bills, cancel: Cancel);
        session.Stored.TokenFor(Bills).ShouldBeNull();

        (await session.ReplaceAsync(bills, Bills, Cancel)).Reveal().ShouldNotBe(bills.Reveal());

        server.TokenRequests.Select(form => form["resource"]).ShouldBe([Orders, Bills, Bills]);
    }

    [Fact]
    public async Task A_renewal_ahead_of_time_that_failed_forgets_no_token_that_another_call_got()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        var (asked, reached, goOn) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        server.Instead["/token"] = async context =>
        {
            if (Interlocked.Increment(ref asked) == 1)
            {
                reached.SetResult();
                await goOn.Task;
                await ScriptedServer.JsonAsync(context, 200, """{"access_token":"of-the-bills","token_type":"Bearer","expires_in":600}""");
                return;
            }
            await ScriptedServer.ErrorAsync(context, "invalid_target");
        };
        // The first token is good, and due.
        server.Time.Shift = TimeSpan.FromMinutes(8.9);
        var bills = session.GetAccessTokenAsync(Bills, cancel: Cancel);
        await reached.Task;
        var ahead = session.GetAccessTokenAsync(cancel: Cancel);
        goOn.SetResult();

        await Task.WhenAll(bills, ahead);

        asked.ShouldBe(2);
        session.Stored.TokenFor(Bills).ShouldNotBeNull();
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_session_that_another_program_renewed_has_a_token_for_this_API_once_it_is_asked_for()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = await FoundAsync(client);
        var asked = 0;
        // A program that does not keep to the lock renews while our request is under way.
        server.Instead["/token"] = async context =>
        {
            if (Interlocked.Increment(ref asked) == 1) await client.Vault.SaveAsync(session.Stored with { RefreshToken = "another" }, Cancel);
            if (asked == 1) await ScriptedServer.ErrorAsync(context, "invalid_grant");
            else await ScriptedServer.JsonAsync(context, 200, """{"access_token":"of-the-bills","token_type":"Bearer","expires_in":600}""");
        };

        (await session.GetAccessTokenAsync(Bills, cancel: Cancel)).Reveal().ShouldBe("of-the-bills");
    }

    [Fact]
    public async Task Without_a_refresh_token_a_further_API_has_none_and_the_session_goes_on()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.GivesRefreshTokens = false;
        using var browser = new TestBrowser();
        var failed = new List<ClientEvent.RefreshFailed>();
        await using var client = new PublicClient(Options(server, browser) with { OnEvent = happened => failed.AddRange(new[] { happened }.OfType<ClientEvent.RefreshFailed>()) });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;

        var needed = await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(Bills, cancel: Cancel));

        (needed.Reason, needed.Code).ShouldBe((SignInRequiredReason.NoRefreshToken, "no_refresh_token"));
        failed.ShouldBe([new ClientEvent.RefreshFailed("no_refresh_token", SessionKept: true)]);
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.Time.Shift = TimeSpan.FromMinutes(11);
        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(Bills, cancel: Cancel))).Reason.ShouldBe(SignInRequiredReason.SessionEnded);
    }

    [Theory]
    [InlineData(null, "https://a.example/")]
    [InlineData("https://a.example/", "https://a.example/")]
    [InlineData("https://a.example/", "relative")]
    [InlineData("https://a.example/", "https://b.example/#top")]
    [Rfc("RFC 8707", "2")]
    public void What_makes_no_sense_is_refused_before_anything_is_asked(string? resource, string further) =>
        Should.Throw<ArgumentException>(() => new PublicClient(new ClientOptions { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "cli", Resource = resource, FurtherResources = [further] })).Message.ShouldContain("FurtherResources");

    private static ClientOptions Options(ScriptedServer server, TestBrowser? browser = null) => server.Options(browser) with { Resource = Orders, FurtherResources = [Bills, Mails] };

    private static async Task<Session> FoundAsync(PublicClient client) => (await client.FindSessionAsync(Cancel)).ShouldNotBeNull();

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TemporaryFolder? folder = null)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(Options(server, browser) with { Store = folder?.Store ?? TokenStore.InMemory });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
