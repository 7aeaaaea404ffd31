using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A refresh token that is bound to a key needs no rotation, and its refreshes write nothing.</summary>
public sealed class DpopRefreshTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("DP-05")]
    [Rfc("RFC 9449", "5")]
    [Rfc("RFC 9700", "2.2.2")]
    public async Task The_same_token_stays_good_and_nothing_is_written_within_the_hour()
    {
        using var key = new ClientKey(at.Server);
        var first = await FirstAsync(key);
        var before = await DumpAsync();
        for (var refresh = 0; refresh < 5; refresh++)
        {
            at.Server.Time.Advance(TimeSpan.FromMinutes(11));
            var refreshed = await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, first));
            refreshed.Status.ShouldBe(HttpStatusCode.OK, refreshed.Body.ToString());
            refreshed.Text("refresh_token").ShouldBe(first);
            refreshed.Text("token_type").ShouldBe("DPoP");
        }
        (await DumpAsync()).ShouldBe(before);
    }

    [Fact]
    [Assertion("DP-05")]
    public async Task Its_use_is_written_down_once_an_hour()
    {
        using var key = new ClientKey(at.Server);
        var first = await FirstAsync(key);
        at.Server.Time.Advance(TimeSpan.FromHours(1));
        var noted = at.Server.Time.Now;
        await RefreshAsync(key, first);
        (await GrantAsync(first)).LastUsedAt.ShouldBe(noted, TimeSpan.FromMilliseconds(1));
        at.Server.Time.Advance(TimeSpan.FromMinutes(59));
        await RefreshAsync(key, first);
        (await GrantAsync(first)).LastUsedAt.ShouldBe(noted, TimeSpan.FromMilliseconds(1));
        at.Server.Time.Advance(TimeSpan.FromMinutes(1));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RefreshAsync(key, first)));
        (await GrantAsync(first)).LastUsedAt.ShouldBe(at.Server.Time.Now, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    [Assertion("DP-05")]
    public async Task It_ends_when_nobody_uses_it_and_not_while_somebody_does()
    {
        using var key = new ClientKey(at.Server);
        var (used, unused) = (await FirstAsync(key), await FirstAsync(key));
        var idle = at.Server.Service<ServerOptions>().RefreshIdleLifetime;
        at.Server.Time.Advance(TimeSpan.FromMinutes(59));
        await RefreshAsync(key, used);
        at.Server.Time.Advance(idle - TimeSpan.FromMilliseconds(1));
        await RefreshAsync(key, used);
        at.Server.Time.Advance(TimeSpan.FromMinutes(2));
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, unused))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("DP-05")]
    public async Task It_reaches_its_absolute_end_all_the_same()
    {
        using var key = new ClientKey(at.Server);
        var token = await FirstAsync(key);
        var end = (await GrantAsync(token)).ExpiresAt;
        for (; at.Server.Time.Now.AddDays(10) < end; at.Server.Time.Advance(TimeSpan.FromDays(10))) await RefreshAsync(key, token);
        await RefreshAsync(key, token);
        at.Server.Time.Advance(end - at.Server.Time.Now);
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("DP-05")]
    [Rfc("RFC 9449", "5")]
    public async Task Another_key_or_none_refreshes_nothing_and_revokes_nothing()
    {
        using var key = new ClientKey(at.Server);
        using var thief = new ClientKey(at.Server);
        var token = await FirstAsync(key);
        var before = await DumpAsync();
        for (var round = 0; round < 2; round++)
        {
            (await thief.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token))).Error.ShouldBe("invalid_grant");
            (await at.RefreshAsync(token)).Error.ShouldBe("invalid_dpop_proof");
            (await at.RefreshAsync(token, "openid")).Error.ShouldBe("invalid_dpop_proof");
            (await at.PostAsync(ClientKey.Refresh(at.Client.Id, token), ClientKey.With("x"))).Error.ShouldBe("invalid_dpop_proof");
            (await key.PostAsync("/token", ClientKey.Refresh(at.Other.Id, token))).Error.ShouldBe("invalid_grant");
            at.Server.Time.Advance(TimeSpan.FromSeconds(30));
        }
        (await DumpAsync()).ShouldBe(before);
        await RefreshAsync(key, token);
    }

    [Fact]
    [Assertion("DP-05")]
    public async Task The_scope_can_be_narrowed_and_never_widened()
    {
        using var key = new ClientKey(at.Server);
        var token = await FirstAsync(key);
        (await key.PostAsync("/token", [.. ClientKey.Refresh(at.Client.Id, token), new("scope", "openid")])).Text("scope").ShouldBe("openid");
        (await key.PostAsync("/token", [.. ClientKey.Refresh(at.Client.Id, token), new("scope", "openid email")])).Error.ShouldBe("invalid_scope");
        (await key.PostAsync("/token", [.. ClientKey.Refresh(at.Client.Id, token), new("resource", "https://other.example/")])).Error.ShouldBe("invalid_target");
    }

    [Fact]
    [Assertion("DP-05")]
    public async Task A_revoked_grant_and_a_removed_account_are_refused()
    {
        using var key = new ClientKey(at.Server);
        var token = await FirstAsync(key);
        (await at.Server.RevokeAsync(at.Client, token)).Status.ShouldBe(HttpStatusCode.OK);
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token))).Error.ShouldBe("invalid_grant");

        var (account, person) = await at.AddPersonAsync();
        using (person)
        {
            var theirs = (await key.PostAsync("/token", (await at.CodeAsync(scope: "openid offline_access", person: person, userName: account.Name)).Exchange())).Text("refresh_token");
            await RefreshAsync(key, theirs);
            at.Server.Time.Advance(TimeSpan.FromHours(2));
            (await at.Server.Registry.RemoveAccountAsync(account.Name, TestContext.Current.CancellationToken)).ShouldBeTrue();
            (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, theirs))).Error.ShouldBe("invalid_grant");
        }
    }

    [Fact]
    [Assertion("DP-05")]
    [Rfc("RFC 9449", "5")]
    public async Task A_refresh_with_a_proof_binds_what_was_not_bound()
    {
        using var key = new ClientKey(at.Server);
        using var thief = new ClientKey(at.Server);
        var token = await UnboundAsync();
        var bound = await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token));
        bound.Text("token_type").ShouldBe("DPoP");
        DpopTokenTests.ThumbprintIn(await at.VerifyAsync(bound.Text("access_token"), at.Server.Issuer)).ShouldBe(key.Thumbprint);
        var successor = bound.Text("refresh_token");
        successor.ShouldNotBe(token);
        (await at.RefreshAsync(successor)).Error.ShouldBe("invalid_dpop_proof");
        (await thief.PostAsync("/token", ClientKey.Refresh(at.Client.Id, successor))).Error.ShouldBe("invalid_grant");
        at.Server.Time.Advance(TimeSpan.FromMinutes(1));
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, successor))).Text("refresh_token").ShouldBe(successor);
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token))).Text("refresh_token").ShouldBe(successor, "the answer that bound it may have been lost");
    }

    [Fact]
    [Assertion("DP-05")]
    [Rfc("RFC 9449", "5")]
    public async Task Of_many_at_once_with_one_key_each_gets_the_bound_token()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var token = await at.NextAsync(await UnboundAsync());
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token))));
        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK);
        var bound = answers.Select(answer => answer.Text("refresh_token")).Distinct().ShouldHaveSingleItem("not even the leeway gives one that is not bound");
        (await at.RefreshAsync(bound)).Error.ShouldBe("invalid_dpop_proof");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("DP-05")]
    [Assertion("RT-02")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task A_thief_who_binds_a_stolen_token_loses_it_when_its_owner_comes(bool ownerHasKey)
    {
        using var thief = new ClientKey(at.Server);
        using var owner = new ClientKey(at.Server);
        Task<JsonAnswer> ComeAsync(string stolen) => ownerHasKey ? owner.PostAsync("/token", ClientKey.Refresh(at.Client.Id, stolen)) : at.RefreshAsync(stolen);
        var token = await UnboundAsync();
        var bound = (await thief.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token))).Text("refresh_token");
        (await ComeAsync(token)).Status.ShouldBe(HttpStatusCode.BadRequest);
        await RefreshAsync(thief, bound);
        at.Server.Time.Advance(TimeSpan.FromSeconds(11));
        (await ComeAsync(token)).Error.ShouldBe("invalid_grant");
        (await thief.PostAsync("/token", ClientKey.Refresh(at.Client.Id, bound))).Error.ShouldBe("invalid_grant", "the leeway is over, and the grant with it");
    }

    [Fact]
    [Assertion("DP-10")]
    [Rfc("RFC 9449", "5.2")]
    public async Task A_token_from_before_its_client_had_to_prove_possession_is_bound_to_nobody()
    {
        using var key = new ClientKey(at.Server);
        var client = await at.AddClientAsync();
        var token = (await at.RedeemAsync(await at.CodeAsync(client, "openid offline_access"))).Text("refresh_token");
        await at.Server.Registry.UpdateClientAsync(client.Id, registration => registration with { RequiresDpop = true }, newSecret: false, TestContext.Current.CancellationToken);
        (await at.Server.RefreshAsync(client, token)).Error.ShouldBe("invalid_dpop_proof");
        var refused = await key.PostAsync("/token", ClientKey.Refresh(client.Id, token));
        (refused.Error, refused.Text("error_description").Contains("Sign in again", StringComparison.Ordinal)).ShouldBe(("invalid_grant", true));
        await at.Server.Registry.UpdateClientAsync(client.Id, registration => registration with { RequiresDpop = false }, newSecret: false, TestContext.Current.CancellationToken);
        (await at.Server.RefreshAsync(client, token)).Status.ShouldBe(HttpStatusCode.OK, "nothing was revoked");
    }

    [Fact]
    [Assertion("TK-12")]
    public async Task A_forged_token_with_a_proof_is_told_in_the_trail_too()
    {
        using var key = new ClientKey(at.Server);
        var keys = at.Server.Service<Keys.KeyRing>();
        foreach (var token in (string[])[await FirstAsync(key), await UnboundAsync()])
        {
            var opened = Protocol.RefreshToken.Open(token, keys)!;
            var forged = (opened with { RowSecret = Secret.NewBytes(Protocol.RefreshToken.SecretLength) }).Seal(keys);
            (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, forged))).Error.ShouldBe("invalid_grant");
            var entries = await at.Server.Registry.ReadAuditTrailAsync(new AuditFilter { Kind = "refresh-token-forged" }, null, TestContext.Current.CancellationToken);
            entries.Count(entry => entry.Detail == Convert.ToHexStringLower(opened.GrantId)).ShouldBe(1);
        }
    }

    [Fact]
    [Assertion("DP-05")]
    [Rfc("RFC 9449", "5")]
    public async Task A_confidential_client_proves_itself_and_may_change_its_key()
    {
        var (client, secret) = await at.AddConfidentialClientAsync();
        using var key = new ClientKey(at.Server);
        using var next = new ClientKey(at.Server);
        var tokens = await key.PostAsync("/token", (await at.CodeAsync(client, "openid offline_access")).Exchange(("client_secret", secret)));
        tokens.Text("token_type").ShouldBe("DPoP");
        var refreshed = await next.PostAsync("/token", [.. ClientKey.Refresh(client.Id, tokens.Text("refresh_token")), new("client_secret", secret)]);
        refreshed.Status.ShouldBe(HttpStatusCode.OK, refreshed.Body.ToString());
        refreshed.Text("refresh_token").ShouldNotBe(tokens.Text("refresh_token"), "what is not bound to a key rotates");
        DpopTokenTests.ThumbprintIn(await at.VerifyAsync(refreshed.Text("access_token"), at.Server.Issuer)).ShouldBe(next.Thumbprint);
    }

    private async Task<string> UnboundAsync() => (await at.TokensAsync("openid offline_access")).Text("refresh_token");

    private async Task<string> FirstAsync(ClientKey key) => (await key.PostAsync("/token", (await at.CodeAsync(scope: "openid offline_access")).Exchange())).Text("refresh_token");

    private async Task RefreshAsync(ClientKey key, string token)
    {
        var refreshed = await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token));
        refreshed.Status.ShouldBe(HttpStatusCode.OK, refreshed.Body.ToString());
    }

    private async Task<Grant> GrantAsync(string refreshToken) =>
        (await at.Server.Service<GrantStore>().FindAsync(Protocol.RefreshToken.Open(refreshToken, at.Server.Service<Keys.KeyRing>())!.GrantId, TestContext.Current.CancellationToken))!;

    private async Task<string> DumpAsync()
    {
        await using var database = await StorageFolder.OpenAsync(at.Server.Folder);
        return await StorageFolder.DumpAsync(database);
    }
}
