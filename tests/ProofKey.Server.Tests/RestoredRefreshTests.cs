using System.Net;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Refresh tokens that are ahead of their rows, as after a restore: with the mark the client goes on, once.</summary>
public sealed class RestoredRefreshTests(TokenServer at) : IClassFixture<TokenServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private KeyRing Keys => at.Server.Service<KeyRing>();

    [Fact]
    [Assertion("RT-17")]
    public async Task After_a_marked_restore_a_client_goes_on_once_and_a_second_token_ahead_is_refused_with_the_remedy()
    {
        var (token, other) = (await FirstAsync(), await FirstAsync());
        (await at.RefreshAsync(Ahead(token, 7))).Error.ShouldBe("invalid_grant", "nothing is marked");
        at.Server.Log.Lines.ShouldContain(line => line.Contains("proofkey database restore (without a file)", StringComparison.Ordinal));
        await MarkAsync();

        var next = await at.NextAsync(Ahead(token, 7));
        RefreshToken.Open(next, Keys)!.Sequence.ShouldBe(8);
        (await at.NextAsync(Ahead(token, 7))).ShouldBe(next, "its answer was lost, or a twin asked");
        var grant = Convert.ToHexStringLower(RefreshToken.Open(token, Keys)!.GrantId);
        (await EntriesAsync()).Count(entry => entry.Detail == grant).ShouldBe(1);

        at.Server.Time.Advance(TimeSpan.FromSeconds(11));
        (await at.RefreshAsync(Ahead(token, 9))).Error.ShouldBe("invalid_grant", "someone else holds a token");
        at.Server.Log.Lines.ShouldContain(line => line.Contains($"proofkey grant revoke {grant}", StringComparison.Ordinal));
        (await at.RefreshAsync(next)).Status.ShouldBe(HttpStatusCode.OK);

        (await at.RefreshAsync(other)).Status.ShouldBe(HttpStatusCode.OK);
        (await at.RefreshAsync(Ahead(other, 7))).Error.ShouldBe("invalid_grant", "it rotated since");
        (await at.RefreshAsync(Ahead(await FirstAsync(), 7))).Error.ShouldBe("invalid_grant", "it began since");
    }

    [Fact]
    [Assertion("RT-17")]
    public async Task Of_many_refreshes_at_once_all_get_the_one_token_that_follows()
    {
        var token = await FirstAsync();
        await MarkAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => at.NextAsync(Ahead(token, 3))));
        answers.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    [Assertion("RT-17")]
    public async Task A_refresh_with_a_proof_goes_on_too_and_is_bound_to_its_key()
    {
        using var key = new ClientKey(at.Server);
        var token = await FirstAsync();
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, Ahead(token, 3)))).Error.ShouldBe("invalid_grant");
        await MarkAsync();
        var refreshed = await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, Ahead(token, 3)));
        refreshed.Status.ShouldBe(HttpStatusCode.OK, refreshed.Body.ToString());
        (await at.RefreshAsync(refreshed.Text("refresh_token"))).Error.ShouldBe("invalid_dpop_proof");
    }

    [Fact]
    [Assertion("RT-17")]
    public async Task A_forged_token_and_a_revoked_grant_stay_what_they_are()
    {
        var (token, revoked) = (await FirstAsync(), await FirstAsync());
        await at.Server.Service<GrantStore>().RevokeAsync(RefreshToken.Open(revoked, Keys)!.GrantId, at.Server.Time.Now, new AuditEvent("grant-revoked"));
        await MarkAsync();
        (await at.RefreshAsync(Ahead(revoked, 7))).Error.ShouldBe("invalid_grant");
        var forged = RefreshToken.Open(token, Keys)! with { Sequence = 7, RowSecret = Secret.NewBytes(RefreshToken.SecretLength) };
        (await at.RefreshAsync(forged.Seal(Keys))).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(Ahead(token, 7))).Status.ShouldBe(HttpStatusCode.OK);
    }

    private async Task MarkAsync()
    {
        at.Server.Time.Advance(TimeSpan.FromSeconds(1));
        await at.Server.Service<DatabaseRegistry>().MarkRestoredAsync(RestoredGrants.Keep, [], Cancellation);
        at.Server.Time.Advance(TimeSpan.FromSeconds(1));
    }

    private string Ahead(string token, long sequence) => (RefreshToken.Open(token, Keys)! with { Sequence = sequence }).Seal(Keys);

    private async Task<string> FirstAsync() => (await at.TokensAsync("openid offline_access")).Text("refresh_token");

    private async Task<List<AuditEntry>> EntriesAsync() => await at.Server.Service<AuditTrail>().ListAsync(new AuditFilter { Kind = "refresh-token-ahead" }, null, Cancellation);
}
