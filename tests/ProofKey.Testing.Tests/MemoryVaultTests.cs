namespace ProofKey.Testing.Tests;

public sealed class MemoryVaultTests
{
    private readonly MemoryVault _vault = new();

    public static TheoryData<TokenStoreState> States => [.. Enum.GetValues<TokenStoreState>()];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_session_outlives_its_client_and_not_what_was_cleared()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var options = server.Options(browser) with { Store = _vault.Store };
        _vault.Holds().ShouldBeFalse();
        await using (var first = new PublicClient(options)) await first.GetSessionAsync(Cancel);
        _vault.Holds().ShouldBeTrue();
        _vault.Holds("other").ShouldBeFalse();

        await using var second = new PublicClient(options);
        (await second.GetStoredSessionAsync(Cancel)).Subject.ShouldBe("alice");
        await using var other = new PublicClient(options with { Profile = "other" });
        (await other.FindSessionAsync(Cancel)).ShouldBeNull();

        _vault.Clear();
        (await Should.ThrowAsync<SignInRequiredException>(() => second.GetStoredSessionAsync(Cancel))).Reason.ShouldBe(SignInRequiredReason.NoSession);
    }

    [Fact]
    public async Task Clients_share_one_renewal_also_when_one_of_them_is_disposed_meanwhile()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var options = server.Options(browser) with { Store = _vault.Store };
        await using (var first = new PublicClient(options)) await first.GetSessionAsync(Cancel);
        server.Time.Shift += TimeSpan.FromHours(1);

        var tokens = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            await using var client = new PublicClient(options);
            return (await (await client.GetStoredSessionAsync(Cancel)).GetAccessTokenAsync(cancel: Cancel)).Reveal();
        }));

        tokens.Distinct().Count().ShouldBe(1);
        server.TokenRequests.Count(request => request["grant_type"] == "refresh_token").ShouldBe(1);
    }

    [Theory, MemberData(nameof(States))]
    public async Task What_is_wrong_with_it_is_said_and_changes_nothing(TokenStoreState state)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = _vault.Store });
        _vault.Problem = state;

        (await Should.ThrowAsync<TokenStoreException>(() => client.GetSessionAsync(Cancel))).State.ShouldBe(state);
        browser.Opened.ShouldBeNull("nobody signs in for nothing");

        _vault.Problem = null;
        await client.GetSessionAsync(Cancel);
        _vault.Problem = state;
        (await Should.ThrowAsync<TokenStoreException>(() => client.GetStoredSessionAsync(Cancel))).State.ShouldBe(state);
        (await Should.ThrowAsync<TokenStoreException>(() => _vault.Store.ListAsync(Cancel))).State.ShouldBe(state);
        Should.Throw<TokenStoreException>(() => _vault.Store.BackendOf("default")).State.ShouldBe(state);
        _vault.Holds().ShouldBeTrue();
    }

    [Fact]
    public async Task Its_sessions_are_listed_as_those_of_a_folder()
    {
        await using var server = await ScriptedServer.StartAsync();
        foreach (var profile in new[] { "work", "home" })
        {
            using var browser = new TestBrowser();
            await using var client = new PublicClient(server.Options(browser) with { Store = _vault.Store, Profile = profile });
            await client.GetSessionAsync(Cancel);
        }

        (await _vault.Store.ListAsync(Cancel)).Select(session => session.Profile).ShouldBe(["home", "work"]);
    }

    [Fact]
    public async Task Clients_that_find_no_session_open_one_window()
    {
        await using var server = await ScriptedServer.StartAsync();

        var sessions = await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ =>
        {
            using var browser = new TestBrowser();
            await using var client = new PublicClient(server.Options(browser) with { Store = _vault.Store });
            return (await client.GetSessionAsync(Cancel)).Subject;
        }));

        sessions.ShouldAllBe(subject => subject == "alice");
        server.AuthorizeRequests.Count.ShouldBe(1);
    }
}
