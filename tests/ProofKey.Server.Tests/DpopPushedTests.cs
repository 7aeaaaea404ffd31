using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A proof with a pushed request binds the code to its key.</summary>
public sealed class DpopPushedTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("DP-09")]
    [Assertion("DP-06")]
    [Rfc("RFC 9449", "10.1")]
    public async Task The_key_that_pushed_a_request_is_the_one_that_redeems_its_code()
    {
        using var key = new ClientKey(at.Server);
        using var other = new ClientKey(at.Server);
        foreach (var thumbprint in (string?[])[null, key.Thumbprint])
        {
            var request = new AuthorizeUrl(at.Server, at.Client).Set("dpop_jkt", thumbprint);
            var pushed = await key.PostAsync("/par", request.Parameters);
            pushed.Status.ShouldBe(HttpStatusCode.Created, pushed.Body.ToString());
            var answer = await at.Person.AuthorizeAsync(at.Server.ByReference(at.Client, pushed.Text("request_uri")));
            var code = new IssuedCode(at.Client, request, answer["code"]);
            (await other.PostAsync("/token", code.Exchange())).Error.ShouldBe("invalid_grant");
            (await at.RedeemAsync(code)).Error.ShouldBe("invalid_dpop_proof");
            (await key.PostAsync("/token", code.Exchange())).Text("token_type").ShouldBe("DPoP");
        }
    }

    [Fact]
    [Assertion("DP-09")]
    [Rfc("RFC 9449", "10.1")]
    public async Task A_proof_beside_the_thumbprint_of_another_key_is_refused()
    {
        using var key = new ClientKey(at.Server);
        var refused = await key.PostAsync("/par", new AuthorizeUrl(at.Server, at.Client).Set("dpop_jkt", Secret.NewText()).Parameters);
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_dpop_proof"));
    }

    [Fact]
    [Assertion("DP-06")]
    [Assertion("DP-07")]
    public async Task It_wants_a_nonce_and_takes_each_proof_once()
    {
        using var key = new ClientKey(at.Server);
        var parameters = new AuthorizeUrl(at.Server, at.Client).Parameters;
        var asked = await at.Server.PostFormAsync("/par", parameters, ClientKey.With(key.Prove("POST", "/par")));
        (asked.Status, asked.Error).ShouldBe((HttpStatusCode.BadRequest, "use_dpop_nonce"));
        key.Nonce = asked.Response.Headers.GetValues("DPoP-Nonce").ShouldHaveSingleItem();
        (await at.Server.PostFormAsync("/par", parameters, ClientKey.With(key.Prove("POST", "/token")))).Error.ShouldBe("invalid_dpop_proof", "a proof for another endpoint");
        var proof = key.Prove("POST", "/par");
        (await at.Server.PostFormAsync("/par", parameters, ClientKey.With(proof))).Status.ShouldBe(HttpStatusCode.Created);
        (await at.Server.PostFormAsync("/par", parameters, ClientKey.With(proof))).Error.ShouldBe("invalid_dpop_proof");
    }
}
