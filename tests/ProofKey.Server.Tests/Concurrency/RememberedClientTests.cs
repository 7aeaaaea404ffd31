using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>
/// A client is remembered from one request to the next, and the statement that does the work finds out whether it still is what it was. So what
/// happens most asks the database once, and what another program changes holds for the very next request.
/// </summary>
public sealed class RememberedClientTests(PausingTokenServer at) : IClassFixture<PausingTokenServer>
{
    public static TheoryData<string, string> Changes => new()
    {
        { "refreshes no more", "unauthorized_client" },
        { "must prove a key", "invalid_dpop_proof" },
        { "has a secret now", "invalid_client" },
        { "is removed", "invalid_client" },
    };

    [Fact]
    [Assertion("RT-08")]
    public async Task A_sign_in_asks_the_database_once_for_a_code_and_once_for_tokens_and_a_refresh_once()
    {
        var client = await at.AddClientAsync();
        await at.TokensAsync(client: client);
        IssuedCode code = null!;
        (await StatementsOfAsync(async () => code = await at.CodeAsync(client, "openid offline_access"))).ShouldBe(["session"]);
        var token = "";
        (await StatementsOfAsync(async () => token = (await at.RedeemAsync(code)).Text("refresh_token"))).ShouldBe(["begin", "authorization_grant", "commit"]);
        (await StatementsOfAsync(async () => (await at.Server.RefreshAsync(client, token)).Status.ShouldBe(HttpStatusCode.OK))).ShouldBe(["begin", "authorization_grant", "commit"]);
    }

    [Theory, MemberData(nameof(Changes))]
    [Assertion("RT-08")]
    [Assertion("TK-15")]
    public async Task What_is_changed_beside_the_server_holds_for_the_very_next_refresh(string change, string error)
    {
        var client = await at.AddClientAsync();
        var token = (await at.TokensAsync("openid offline_access", client)).Text("refresh_token");
        (await ChangeAsync(client, change)).ShouldBeTrue();
        (await at.Server.RefreshAsync(client, token)).Error.ShouldBe(error, change);
    }

    [Theory]
    [InlineData("must prove a key", "invalid_dpop_proof")]
    [InlineData("has a secret now", "invalid_client")]
    [InlineData("is removed", "invalid_client")]
    [Assertion("TK-15")]
    public async Task And_for_the_very_next_code(string change, string error)
    {
        var client = await at.AddClientAsync();
        await at.TokensAsync(client: client);
        var code = await at.CodeAsync(client);
        (await ChangeAsync(client, change)).ShouldBeTrue();
        (await at.RedeemAsync(code)).Error.ShouldBe(error, change);
    }

    [Fact]
    public async Task A_strict_client_must_repeat_its_redirect_uri_from_the_next_code_on()
    {
        var client = await at.AddClientAsync();
        await at.TokensAsync(client: client);
        (await at.RedeemAsync(await at.CodeAsync(client), ("redirect_uri", null))).Status.ShouldBe(HttpStatusCode.OK);
        await UpdateAsync(client with { IsStrict = true });
        (await at.RedeemAsync(await at.CodeAsync(client), ("redirect_uri", null))).Error.ShouldBe("invalid_request");
    }

    [Fact]
    public async Task The_next_token_is_for_the_new_audience()
    {
        var client = await at.AddClientAsync();
        var token = (await at.TokensAsync("openid offline_access", client)).Text("refresh_token");
        await UpdateAsync(client with { Audience = "https://api.example/new" });
        var refreshed = await at.Server.RefreshAsync(client, token);
        await at.VerifyAsync(refreshed.Text("access_token"), "https://api.example/new");
        await at.VerifyAsync((await at.TokensAsync(client: client)).Text("access_token"), "https://api.example/new");
    }

    [Fact]
    public async Task A_redirect_uri_that_is_added_works_at_once_and_one_that_is_gone_does_not()
    {
        var client = await at.AddClientAsync();
        await at.TokensAsync(client: client);
        await UpdateAsync(client with { RedirectUris = [RedirectUri.Parse("https://app.example/other")] });
        var other = new AuthorizeUrl(at.Server, client).Set("redirect_uri", "https://app.example/other");
        (await at.Person.AuthorizeAsync(other, RunningServer.UserName))["code"].ShouldNotBeNullOrEmpty();
        (await at.Person.GetAsync(new AuthorizeUrl(at.Server, client).Set("redirect_uri", "https://app.example/callback").ToString())).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    private async Task<bool> ChangeAsync(RegisteredClient client, string change) => change switch
    {
        "refreshes no more" => await at.Clients.UpdateAsync(client with { GrantTypes = [GrantType.AuthorizationCode] }, new AuditEvent("client-updated")),
        "must prove a key" => await at.Clients.UpdateAsync(client with { RequiresDpop = true }, new AuditEvent("client-updated")),
        "has a secret now" => await at.Clients.UpdateAsync(client with { SecretDigest = Secret.Digest("secret") }, new AuditEvent("client-updated")),
        _ => await at.Clients.RemoveAsync(client.Id, new AuditEvent("client-removed")),
    };

    private async Task UpdateAsync(RegisteredClient client) => (await at.Clients.UpdateAsync(client, new AuditEvent("client-updated"))).ShouldBeTrue();

    // What a request asks the database, each by its table.
    private async Task<List<string>> StatementsOfAsync(Func<Task> request)
    {
        var statements = new List<string>();
        var watch = at.Pauses.StopOnce(Side.Before, text =>
        {
            lock (statements) statements.Add(text.Contains("authorization_grant", StringComparison.Ordinal) ? "authorization_grant" : text.Contains("from session", StringComparison.Ordinal) ? "session" : text.Split(' ')[0]);
            return false;
        });
        await request();
        at.Pauses.StopOnce(Side.Before, _ => false);
        watch.Release();
        return statements;
    }
}
