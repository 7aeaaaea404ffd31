namespace ProofKey.Client.Tests;

/// <summary>A session that took the place of another is nobody's to end or to overwrite who means the other one.</summary>
public sealed class ReplacedSessionTests
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, """{"error":"invalid_grant"}""")]
    [InlineData(400, """{"error":"invalid_client"}""")]
    [InlineData(200, """{"access_token":"fresh","token_type":"Bearer","expires_in":600,"refresh_token":"rotated"}""")]
    [InlineData(200, """{"access_token":"fresh","token_type":"mac","expires_in":600,"refresh_token":"rotated"}""")]
    [Assertion("RT-15"), Assertion("RT-16")]
    public async Task The_outcome_of_a_renewal_changes_no_session_that_somebody_signed_in_to_meanwhile(int status, string answer)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        // On a file system whose locks hold nobody up.
        server.Instead["/token"] = async context =>
        {
            await client.Vault.SaveAsync(session.Stored with { Id = "anew", RefreshToken = "of-the-new-one" }, Cancel);
            await ScriptedServer.JsonAsync(context, status, answer);
        };

        await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        var stored = (await folder.SessionAsync()).ShouldNotBeNull();
        (stored.Id, stored.RefreshToken).ShouldBe(("anew", "of-the-new-one"));
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task Who_was_refused_finds_the_session_that_somebody_signed_in_to_meanwhile()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.Instead["/token"] = async context =>
        {
            await client.Vault.SaveAsync(session.Stored with { Id = "anew", ObtainedAt = server.Time.GetUtcNow(), ExpiresAt = server.Time.GetUtcNow() + AfterTheEnd }, Cancel);
            await ScriptedServer.ErrorAsync(context, "invalid_grant");
        };

        (await client.GetSessionAsync(_ => throw new InvalidOperationException("A window."), Cancel)).Stored.Id.ShouldBe("anew");
        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Reason.ShouldBe(SignInRequiredReason.SignedOut);
    }

    [Fact]
    public async Task A_session_that_was_deleted_while_it_was_renewed_is_not_revived()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = await SignedInAsync(server, folder);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.SpoilTokens = _ => File.Delete(folder.Vault);

        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Reason.ShouldBe(SignInRequiredReason.SignedOut);

        (await folder.SessionAsync()).ShouldBeNull();
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_call_that_asks_by_itself_does_not_end_the_session_of_another_client()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await (await SignedInAsync(server, folder)).DisposeAsync();

        foreach (var options in new[] { other.Options(), server.Options() with { ClientId = "another" } })
        {
            await using var client = new PublicClient(options with { Store = folder.Store });
            var refused = await Should.ThrowAsync<TokenStoreException>(() => client.GetSessionAsync(_ => throw new InvalidOperationException("A window."), Cancel));
            (refused.State, refused.Code, refused.Path).ShouldBe((TokenStoreState.OtherClient, "token_store_other_client", folder.Vault));
            refused.Message.ShouldContain($"cli at {server.Issuer}");
        }

        (await folder.SessionAsync())!.Issuer.ShouldBe(server.Issuer.Value);
    }

    [Fact]
    public async Task A_sign_in_that_takes_the_place_of_a_session_for_something_else_says_so()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await (await SignedInAsync(server, folder)).DisposeAsync();
        var replaced = new List<ClientEvent.SessionReplaced>();
        ClientOptions Heard(ClientOptions options) => options with { Store = folder.Store, OnEvent = SuiteWitness.And(happened => replaced.AddRange(new[] { happened }.OfType<ClientEvent.SessionReplaced>())) };

        await using (var client = new PublicClient(Heard(other.Options(browser))))
        {
            for (var time = 0; time < 2; time++)
            {
                await using var pending = await client.BeginAsync(Cancel);
                await pending.OpenBrowserAsync(Cancel);
                await pending.EndAsync(Cancel);
            }
        }
        replaced.ShouldBe([new ClientEvent.SessionReplaced(server.Issuer.Value, ScriptedServer.ClientId)], "the second time it was its own");
        await using var wider = new PublicClient(Heard(other.Options(browser)) with { Scope = Scope.Parse("openid profile orders.read") });
        await wider.GetSessionAsync(Cancel);
        await browser.Page;

        replaced.Last().ShouldBe(new ClientEvent.SessionReplaced(other.Issuer.Value, ScriptedServer.ClientId));
        replaced.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_sign_in_that_the_server_has_finished_is_kept_whoever_gives_up_then()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var giveUp = new CancellationTokenSource();
        using var browser = new TestBrowser();
        var givesUp = false;
        await using var client = new PublicClient(server.Options(browser) with
        {
            Store = folder.Store,
            OnEvent = happened =>
            {
                if (givesUp && happened is ClientEvent.OtherScopeGranted) giveUp.Cancel();
            },
        });
        // The keys are known from then on.
        var first = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.SpoilTokens = tokens => tokens["scope"] = "openid profile admin";
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        givesUp = true;

        var result = await pending.EndAsync(giveUp.Token);

        giveUp.IsCancellationRequested.ShouldBeTrue();
        var second = result.ShouldBeOfType<SignInResult.SignedIn>().Session.Stored.Id;
        second.ShouldNotBe(first.Stored.Id);
        (await folder.SessionAsync())!.Id.ShouldBe(second);
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
