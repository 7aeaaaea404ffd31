using System.Net;
using ProofKey.Server.Http;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A server that remembers few proofs: five of one holder, and one with which anybody may come.</summary>
public sealed class ForgetfulServer : TokenServer
{
    private protected override Task<RunningServer> StartAsync() =>
        RunningServer.StartAsync(configure: options => options.ProofPlaces = new ProofPlaces(InAll: 1000, OfOneHolder: 5, OfAnyone: 1));
}

/// <summary>Who sends proofs without end stops nobody else.</summary>
public sealed class DpopMemoryTests(ForgetfulServer at) : IClassFixture<ForgetfulServer>
{
    [Fact]
    [Assertion("DP-07")]
    [Rfc("RFC 9449", "11.1")]
    public async Task Whoever_fills_their_share_waits_and_others_do_not()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var (account, person) = await at.AddPersonAsync();
        using var _ = person;
        var tokens = await key.PostAsync("/token", (await at.CodeAsync(scope: "openid offline_access", person: person, userName: account.Name)).Exchange());
        var refreshToken = tokens.Text("refresh_token");
        for (var i = 0; i < 4; i++) (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, refreshToken))).Status.ShouldBe(HttpStatusCode.OK);

        using var newKey = new ClientKey(at.Server);
        newKey.Nonce = key.Nonce;
        var code = await at.CodeAsync(scope: "openid offline_access", person: person, userName: account.Name);
        var device = await at.Server.AllowedDeviceAsync(await at.Server.AddDeviceClientAsync(), person: person);
        at.Server.Time.Advance(TimeSpan.FromSeconds(5));
        foreach (var refused in (JsonAnswer[])
            [
                await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, refreshToken)),
                await newKey.PostAsync("/token", code.Exchange()),
                await newKey.PostAsync("/token", device.Poll()),
            ])
        {
            (refused.Status, refused.Error).ShouldBe((HttpStatusCode.ServiceUnavailable, "temporarily_unavailable"));
            refused.Response.Header("Retry-After").ShouldBe("60");
        }
        var userinfo = await key.UserinfoOnceAsync("DPoP " + tokens.Text("access_token"), key.Prove("GET", "/userinfo", tokens.Text("access_token")));
        (userinfo.Status, userinfo.Response.Header("Retry-After")).ShouldBe((HttpStatusCode.ServiceUnavailable, "60"));

        using var other = new ClientKey(at.Server);
        other.Nonce = key.Nonce;
        (await other.PostAsync("/token", (await at.CodeAsync()).Exchange())).Status.ShouldBe(HttpStatusCode.OK);

        at.Server.Time.Advance(TimeSpan.FromMinutes(31));
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, refreshToken))).Status.ShouldBe(HttpStatusCode.OK, "the proofs have ended");
    }

    [Fact]
    [Assertion("DP-07")]
    public async Task A_token_that_is_not_good_uses_no_place()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var (account, person) = await at.AddPersonAsync();
        using var _ = person;
        async Task<JsonAnswer> TokensAsync() => await at.RedeemAsync(await at.CodeAsync(scope: "openid offline_access", person: person, userName: account.Name));
        var revoked = (await TokensAsync()).Text("refresh_token");
        (await at.Server.RevokeAsync(at.Client, revoked)).Status.ShouldBe(HttpStatusCode.OK);
        for (var i = 0; i < 6; i++) (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, revoked))).Error.ShouldBe("invalid_grant");
        (await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, (await TokensAsync()).Text("refresh_token")))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-07")]
    [Assertion("PR-01")]
    public async Task Requests_are_taken_while_the_memory_of_what_anybody_sends_is_full()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var request = new AuthorizeUrl(at.Server, at.Client);
        var first = key.Prove("POST", "/par");
        (await at.Server.PushAsync(request, ClientKey.With(first))).Status.ShouldBe(HttpStatusCode.Created);
        for (var i = 0; i < 3; i++) (await at.Server.PushAsync(request, ClientKey.With(key.Prove("POST", "/par")))).Status.ShouldBe(HttpStatusCode.Created);
        (await at.Server.PushAsync(request, ClientKey.With(first))).Error.ShouldBe("invalid_dpop_proof", "what is remembered is not forgotten");
    }
}
