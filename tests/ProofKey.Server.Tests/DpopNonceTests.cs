using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The server's nonces: no state, the same on every replica, and good for two stretches of ten minutes.</summary>
public sealed class DpopNonceTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("DP-06")]
    [Rfc("RFC 9449", "8")]
    public async Task A_proof_without_a_nonce_is_answered_with_one_and_the_next_try_succeeds()
    {
        using var key = new ClientKey(at.Server);
        var code = await at.CodeAsync();
        var refused = await at.PostAsync(code.Exchange(), ClientKey.With(key.Prove("POST", "/token")));
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "use_dpop_nonce"));
        refused.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        key.Nonce = refused.Response.Headers.GetValues("DPoP-Nonce").ShouldHaveSingleItem();
        key.Nonce.ShouldNotContain("\"");
        (await at.PostAsync(code.Exchange(), ClientKey.With(key.Prove("POST", "/token")))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-06")]
    [Rfc("RFC 9449", "9")]
    public async Task Userinfo_asks_for_one_in_its_challenge()
    {
        using var key = new ClientKey(at.Server);
        var token = (await key.PostAsync("/token", (await at.CodeAsync()).Exchange())).Text("access_token");
        (key.Nonce, var good) = ("other", key.Nonce);
        var refused = await key.UserinfoOnceAsync($"DPoP {token}", key.Prove("GET", "/userinfo", token));
        refused.Status.ShouldBe(HttpStatusCode.Unauthorized);
        refused.Response.Headers.WwwAuthenticate.ToString().ShouldStartWith("DPoP error=\"use_dpop_nonce\"");
        refused.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        key.Nonce.ShouldBe(good, "the one that the token endpoint gave is good here too");
        (await key.UserinfoOnceAsync($"DPoP {token}", key.Prove("GET", "/userinfo", token))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("DP-06")]
    [InlineData(-29)]
    [InlineData(-10)]
    [InlineData(10)]
    [InlineData(30)]
    public async Task With_a_nonce_the_clients_clock_does_not_matter(int minutes)
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var proof = key.Forge("POST", "/token", claims: claims => claims["iat"] = at.Server.Time.Now.AddMinutes(minutes).ToUnixTimeSeconds());
        (await at.PostAsync((await at.CodeAsync()).Exchange(), ClientKey.With(proof))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-06")]
    [Rfc("RFC 9449", "8.2")]
    public async Task A_nonce_of_the_stretch_before_is_good_and_a_fresh_one_comes_with_the_answer()
    {
        using var key = new ClientKey(at.Server);
        ToStartOfStretch();
        var refreshToken = (await key.PostAsync("/token", (await at.CodeAsync(scope: "openid offline_access")).Exchange())).Text("refresh_token");
        var fields = ClientKey.Refresh(at.Client.Id, refreshToken);
        var first = key.Nonce!;

        at.Server.Time.Advance(DpopNonces.Stretch - TimeSpan.FromMilliseconds(1));
        (await OnceAsync(key, fields)).Response.Headers.Contains("DPoP-Nonce").ShouldBeFalse("it is still the newest");

        at.Server.Time.Advance(DpopNonces.Stretch);
        var older = await OnceAsync(key, fields);
        older.Status.ShouldBe(HttpStatusCode.OK);
        var fresh = older.Response.Headers.GetValues("DPoP-Nonce").ShouldHaveSingleItem();
        fresh.ShouldNotBe(first);

        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await OnceAsync(key, fields)).Error.ShouldBe("use_dpop_nonce", "two stretches on it has ended");
        key.Nonce = fresh;
        (await OnceAsync(key, fields)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DP-06")]
    public async Task What_is_no_nonce_of_ours_is_none()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var good = key.Nonce!;
        var code = await at.CodeAsync();
        var flipped = (good[^1] == 'A' ? 'Q' : 'A').ToString();
        foreach (var nonce in (string[])["", "x", good[..^1] + flipped, good + "A", good[1..], new string('n', 1000), code.Text[4..]])
        {
            key.Nonce = nonce;
            (await at.PostAsync(code.Exchange(), ClientKey.With(key.Prove("POST", "/token")))).Error.ShouldBe("use_dpop_nonce", nonce);
        }
    }

    [Fact]
    [Assertion("DP-06")]
    [Assertion("DP-07")]
    public async Task Two_servers_on_one_database_share_their_nonces_and_each_remembers_its_own_proofs()
    {
        await using var replica = await Replica.StartAsync(at.Server);
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var code = await at.CodeAsync(scope: "openid offline_access");
        var proof = key.Prove("POST", "/token");
        var tokens = await PostAsync(replica, code.Exchange(), proof);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());

        var fields = ClientKey.Refresh(at.Client.Id, tokens.Text("refresh_token"));
        (await PostAsync(replica, fields, proof)).Error.ShouldBe("invalid_dpop_proof");
        (await at.PostAsync(fields, ClientKey.With(proof))).Status.ShouldBe(HttpStatusCode.OK, "a proof is remembered by the process that saw it: documented, and harmless without the key");
        (await key.PostAsync("/token", fields)).Text("refresh_token").ShouldBe(tokens.Text("refresh_token"));
    }

    [Fact]
    [Assertion("DP-07")]
    [Rfc("RFC 9449", "11.1")]
    public async Task A_proof_is_remembered_as_long_as_its_nonce_is_good()
    {
        using var key = new ClientKey(at.Server);
        ToStartOfStretch();
        var refreshToken = (await key.PostAsync("/token", (await at.CodeAsync(scope: "openid offline_access")).Exchange())).Text("refresh_token");
        var fields = ClientKey.Refresh(at.Client.Id, refreshToken);
        var proof = key.Prove("POST", "/token");
        (await at.PostAsync(fields, ClientKey.With(proof))).Status.ShouldBe(HttpStatusCode.OK);
        at.Server.Time.Advance((2 * DpopNonces.Stretch) - TimeSpan.FromMilliseconds(1));
        (await at.PostAsync(fields, ClientKey.With(proof))).Error.ShouldBe("invalid_dpop_proof", "at the far end of its life");
        at.Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await at.PostAsync(fields, ClientKey.With(proof))).Error.ShouldBe("use_dpop_nonce", "after it the nonce is over");
    }

    private void ToStartOfStretch()
    {
        var into = at.Server.Time.Now.UtcTicks % DpopNonces.Stretch.Ticks;
        at.Server.Time.Advance(DpopNonces.Stretch - TimeSpan.FromTicks(into));
    }

    private Task<JsonAnswer> OnceAsync(ClientKey key, Dictionary<string, string> fields) => at.PostAsync(fields, ClientKey.With(key.Prove("POST", "/token")));

    private static Task<JsonAnswer> PostAsync(Replica replica, Dictionary<string, string> fields, string proof)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, replica.Address + "/token") { Content = new FormUrlEncodedContent(fields) };
        ClientKey.With(proof)(request);
        return TokenCalls.SendAsync(request);
    }
}
