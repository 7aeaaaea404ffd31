namespace EndToEnd.Interop;

/// <summary>npm's openid-client, which most programs in Node.js sign people in with.</summary>
public sealed class OpenIdClientTests(RunningServer server) : ThirdPartyScenarios(server, "openid-client.mjs")
{
    [Fact]
    [Rfc("RFC 7636", "4.5")]
    [Rfc("RFC 9207", "2")]
    public async Task It_signs_in_and_reads_userinfo()
    {
        var result = await RunAsync("code");
        result.GetProperty("type").GetString().ShouldBe("bearer");
        result.GetProperty("email").GetString().ShouldBe("alice@example.com");
        result.GetProperty("scope").GetString().ShouldBe("openid profile email offline_access");
    }

    [Fact]
    [Assertion("RT-01")]
    [Assertion("RT-06")]
    public async Task It_refreshes_and_narrows_the_scope() => ShouldBe(await RunAsync("refresh"), """{"rotated":true,"scope":"openid","sameSubject":true}""");

    [Fact]
    [Assertion("RV-01")]
    [Assertion("RV-04")]
    public async Task It_revokes_and_nothing_works_after_that() =>
        ShouldBe(await RunAsync("revocation"), """{"refresh":"invalid_grant","userinfo":"401 bearer invalid_token"}""");

    [Fact]
    [Assertion("AZ-23")]
    public async Task It_is_told_that_the_person_denied() => ShouldBe(await RunAsync("denied", decision: "deny"), """{"error":"access_denied"}""");

    [Fact]
    public async Task It_authenticates_with_its_secret_in_both_ways() =>
        ShouldBe(await RunConfidentialAsync("secret"), """{"first":"bearer","second":"bearer","wrong":"401 basic"}""");
}
