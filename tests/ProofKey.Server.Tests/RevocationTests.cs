using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A client gives back what it no longer needs.</summary>
public sealed class RevocationTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Theory]
    [Assertion("RV-01")]
    [Assertion("RV-04")]
    [Rfc("RFC 7009", "2.1")]
    [InlineData("refresh_token")]
    [InlineData("access_token")]
    public async Task A_public_client_revokes_either_token_with_its_id_alone_and_both_are_dead(string which)
    {
        var tokens = await at.TokensAsync();
        var answer = await at.Server.RevokeAsync(at.Client, tokens.Text(which));
        answer.Status.ShouldBe(HttpStatusCode.OK);
        (await answer.Response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
        answer.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();

        (await at.RefreshAsync(tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeFalse();
    }

    [Fact]
    [Assertion("RV-02")]
    [Rfc("RFC 7009", "2.2")]
    public async Task What_is_no_token_is_answered_like_a_revoked_one()
    {
        var tokens = await at.TokensAsync();
        await at.Server.RevokeAsync(at.Client, tokens.Text("refresh_token"));
        string[] dead = [tokens.Text("refresh_token"), tokens.Text("access_token"), tokens.Text("id_token"), "x", "pkr_", "pkr_AAAA", "a.b.c", new string('a', 20_000), "\u00e9"];
        foreach (var token in dead) (await at.Server.RevokeAsync(at.Client, token)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("RV-03")]
    [Rfc("RFC 7009", "2.1")]
    [InlineData("refresh_token")]
    [InlineData("access_token")]
    public async Task A_token_of_another_client_stays_as_it_is(string which)
    {
        var tokens = await at.TokensAsync();
        var answer = await at.Server.RevokeAsync(at.Other, tokens.Text(which));
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_grant"));
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
        (await at.RefreshAsync(tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("RV-05")]
    [InlineData("refresh_token", "access_token")]
    [InlineData("access_token", "refresh_token")]
    [InlineData("refresh_token", "urn:example:unheard-of")]
    [InlineData("refresh_token", "")]
    public async Task A_wrong_hint_misleads_nobody(string which, string hint)
    {
        var tokens = await at.TokensAsync();
        (await RevokeAsync(("token", tokens.Text(which)), ("token_type_hint", hint))).Status.ShouldBe(HttpStatusCode.OK);
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeFalse();
    }

    [Fact]
    [Assertion("RV-05")]
    public async Task A_request_without_a_token_or_with_two_is_refused()
    {
        var tokens = await at.TokensAsync();
        (await RevokeAsync()).Error.ShouldBe("invalid_request");
        (await RevokeAsync(("token", ""))).Error.ShouldBe("invalid_request");
        var twice = await at.Server.PostFormAsync("/revoke", [new("client_id", at.Client.Id), new("token", tokens.Text("refresh_token")), new("token", tokens.Text("refresh_token"))]);
        (twice.Status, twice.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
    }

    [Fact]
    [Assertion("RV-06")]
    [Rfc("RFC 7009", "2")]
    public async Task A_token_in_the_query_is_never_looked_at()
    {
        var tokens = await at.TokensAsync();
        var query = $"?client_id={at.Client.Id}&token={tokens.Text("refresh_token")}&callback=steal";
        (await at.GetAsync("/revoke" + query)).Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await at.Server.PostFormAsync("/revoke" + query, [])).Error.ShouldBe("invalid_request");
        (await at.Server.PostFormAsync("/revoke" + query, [new("client_id", at.Client.Id), new("token", "x")])).Error.ShouldBe("invalid_request");
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
    }

    [Fact]
    [Assertion("RV-01")]
    public async Task An_expired_access_token_still_ends_its_grant()
    {
        var tokens = await at.TokensAsync();
        at.Server.Time.Advance(TimeSpan.FromMinutes(11));
        (await at.Server.RevokeAsync(at.Client, tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await at.RefreshAsync(tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("RV-02")]
    public async Task An_ID_token_revokes_nothing()
    {
        var tokens = await at.TokensAsync();
        (await at.Server.RevokeAsync(at.Client, tokens.Text("id_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
    }

    [Fact]
    [Assertion("RV-01")]
    public async Task Unknown_and_unproved_clients_revoke_nothing()
    {
        var (confidential, secret) = await at.AddConfidentialClientAsync();
        var code = await at.CodeAsync(confidential);
        var tokens = await at.RedeemAsync(code, ("client_secret", secret));
        var token = tokens.Text("refresh_token");
        (await RevokeAsync(("client_id", "nobody"), ("token", token))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await RevokeAsync(("client_id", confidential.Id), ("token", token))).Error.ShouldBe("invalid_client");
        (await RevokeAsync(("client_id", confidential.Id), ("client_secret", "wrong"), ("token", token))).Error.ShouldBe("invalid_client");
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeTrue();
        (await RevokeAsync(("client_id", confidential.Id), ("client_secret", secret), ("token", token))).Status.ShouldBe(HttpStatusCode.OK);
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeFalse();
    }

    [Fact]
    [Assertion("RV-05")]
    [Rfc("RFC 7009", "2.2.1")]
    public async Task A_clients_own_token_cannot_be_revoked_and_the_answer_says_so()
    {
        var client = await KeyClient.AddAsync(at.Server);
        var token = (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Text("access_token");
        var answer = await at.Server.PostFormAsync("/revoke", KeyClient.Fields(client.Assertion(at.Server), ("token", token)));
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "unsupported_token_type"));
        (await at.Server.RevokeAsync(at.Client, token)).Status.ShouldBe(HttpStatusCode.OK, "to anybody else it is an unknown token");
    }

    [Fact]
    [Assertion("RV-04")]
    public async Task A_revocation_is_in_the_audit_trail_once()
    {
        var client = await at.AddClientAsync();
        var tokens = await at.TokensAsync("openid", client);
        await at.Server.RevokeAsync(client, tokens.Text("refresh_token"));
        await at.Server.RevokeAsync(client, tokens.Text("access_token"));
        var events = await at.Server.Service<ProofKey.Server.Storage.Database>().ListAsync(
            $"select kind, subject, address from audit_event where client_id = {client.Id} and kind <> 'client-added'", row => (row.GetString(0), row.GetString(1), row.GetString(2)), CancellationToken.None);
        events.ShouldBe([("grant-revoked", (await at.VerifyAsync(tokens.Text("access_token"), at.Server.Issuer)).Subject!, "127.0.0.1")]);
    }

    [Fact]
    [Assertion("RT-11")]
    [Rfc("RFC 7009", "2.2")]
    public async Task After_revocation_has_answered_no_token_works_whatever_ran_beside_it()
    {
        for (var round = 0; round < 200; round++)
        {
            var tokens = await at.TokensAsync();
            var refreshing = Enumerable.Range(0, 3).Select(_ => at.RefreshAsync(tokens.Text("refresh_token"))).ToList();
            var revoking = at.Server.RevokeAsync(at.Client, tokens.Text("refresh_token"));
            var refreshed = await Task.WhenAll(refreshing);
            (await revoking).Status.ShouldBe(HttpStatusCode.OK);

            foreach (var answer in refreshed.Where(answer => answer.Status == HttpStatusCode.OK))
            {
                (await at.RefreshAsync(answer.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
                (await at.LivesAsync(answer.Text("access_token"))).ShouldBeFalse();
            }
            refreshed.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK || answer.Error == "invalid_grant");
            (await at.RefreshAsync(tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        }
    }

    private Task<JsonAnswer> RevokeAsync(params (string Name, string Value)[] fields)
    {
        var form = new Dictionary<string, string> { ["client_id"] = at.Client.Id };
        foreach (var (name, value) in fields) form[name] = value;
        return at.Server.PostFormAsync("/revoke", form);
    }
}
