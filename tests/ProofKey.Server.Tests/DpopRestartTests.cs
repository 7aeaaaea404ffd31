using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

public sealed class DpopRestartTests
{
    [Fact]
    [Assertion("DP-05")]
    [Assertion("DP-06")]
    public async Task Refresh_tokens_stay_bound_and_nonces_good_over_a_restart()
    {
        var first = await RunningServer.StartAsync();
        using var key = new ClientKey(first);
        using var thief = new ClientKey(first);
        var client = await first.AddClientAsync();
        using var person = await first.SignedInAsync();
        var request = new AuthorizeUrl(first, client).Set("scope", "openid offline_access");
        var token = (await key.PostAsync("/token", TokenCalls.CodeExchange(client, request, (await person.AuthorizeAsync(request))["code"]))).Text("refresh_token");

        await using var second = await first.RestartAsync();

        (await second.RefreshAsync(client, token)).Error.ShouldBe("invalid_dpop_proof");
        (await thief.PostAsync("/token", ClientKey.Refresh(client.Id, token), second)).Error.ShouldBe("invalid_grant");
        var refreshed = await second.PostFormAsync("/token", ClientKey.Refresh(client.Id, token), ClientKey.With(key.Prove("POST", "/token")));
        (refreshed.Status, refreshed.Text("refresh_token"), refreshed.Text("token_type")).ShouldBe((HttpStatusCode.OK, token, "DPoP"));
    }
}
