namespace EndToEnd.Interop;

/// <summary>npm's oauth4webapi, which checks every answer to the letter.</summary>
public sealed class Oauth4WebApiTests(RunningServer server) : ThirdPartyScenarios(server, "oauth4webapi.mjs")
{
    [Fact]
    [Assertion("AZ-11")]
    [Rfc("RFC 9207", "2")]
    public async Task It_signs_in_and_accepts_the_access_token_as_an_api_would()
    {
        var result = await RunAsync("code");
        result.GetProperty("issuer").GetString().ShouldBe(Server.Issuer);
        result.GetProperty("type").GetString().ShouldBe("bearer");
        result.GetProperty("email").GetString().ShouldBe("alice@example.com");
        result.GetProperty("sameSubject").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    [Assertion("MD-01")]
    public async Task It_finds_the_same_metadata_at_both_addresses() => ShouldBe(await RunAsync("discovery"), """{"same":true,"methods":["S256"]}""");

    [Fact]
    [Assertion("RT-01")]
    public async Task It_refreshes() => ShouldBe(await RunAsync("refresh"), """{"rotated":true,"expires":true}""");

    [Fact]
    [Assertion("RV-01")]
    [Assertion("RV-02")]
    public async Task It_revokes_an_access_token_and_the_grant_is_gone() => ShouldBe(await RunAsync("revocation"), """{"refresh":"invalid_grant","again":"none"}""");

    [Fact]
    [Assertion("PR-01")]
    public async Task It_pushes_its_request() => ShouldBe(await RunAsync("par"), """{"expires":true,"type":"bearer"}""");

    [Fact]
    [Assertion("DP-04")]
    [Assertion("DP-05")]
    public async Task It_binds_its_tokens_to_a_key() =>
        ShouldBe(await RunAsync("dpop"), """{"type":"dpop","email":"alice@example.com","refreshed":"dpop","otherKey":"invalid_grant"}""");

    [Fact]
    [Assertion("DV-04")]
    [Assertion("DV-05")]
    [Rfc("RFC 8628", "3.5")]
    public async Task It_signs_in_a_device_once() =>
        ShouldBe(await RunAsync("device", ["--device"]), """{"early":"authorization_pending","type":"bearer","again":"invalid_grant"}""");

    [Fact]
    [Assertion("RV-09")]
    public async Task It_introspects() => ShouldBe(await RunConfidentialAsync("introspection"), """{"before":true,"client":true,"garbage":{"active":false}}""");

    [Fact]
    [Assertion("LO-01")]
    [Rfc("OpenID Connect RP-Initiated Logout", "2")]
    public async Task It_signs_out() =>
        ShouldBe(await RunAsync("endSession", ["--post-logout-redirect-uri", ThirdPartyClient.PostLogoutRedirectUri]), """{"end":"http://127.0.0.1/signed-out"}""");
}
