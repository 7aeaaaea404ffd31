namespace EndToEnd.Interop;

/// <summary>Debian's Authlib, over requests.</summary>
public sealed class AuthlibTests(RunningServer server) : ThirdPartyScenarios(server, "authlib_client.py")
{
    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [Assertion("MD-02")]
    [Assertion("OI-01")]
    public async Task It_accepts_the_metadata_signs_in_and_checks_the_id_token(string algorithm) =>
        ShouldBe(await RunAsync("code", ["--id-token-alg", algorithm]), """{"type":"Bearer","email":"alice@example.com","same_subject":true}""");

    [Fact]
    [Assertion("RT-01")]
    public async Task It_refreshes() => ShouldBe(await RunAsync("refresh"), """{"rotated":true,"unknown":"invalid_grant"}""");

    [Fact]
    [Assertion("RV-01")]
    [Rfc("RFC 7009", "2.2")]
    public async Task It_revokes() => ShouldBe(await RunAsync("revocation"), """{"status":200,"refresh":"invalid_grant"}""");

    [Fact]
    [Rfc("RFC 6749", "2.3.1")]
    public async Task It_authenticates_with_its_secret_in_both_ways() => ShouldBe(await RunConfidentialAsync("secret"), """{"first":"Bearer","second":"Bearer"}""");

    [Fact]
    [Assertion("RV-09")]
    public async Task It_introspects() => ShouldBe(await RunConfidentialAsync("introspection"), """{"before":true,"client":true,"after":{"active":false}}""");

    [Fact]
    public async Task It_gets_tokens_of_its_own_without_a_person() => ShouldBe(
        await RunConfidentialAsync("client_credentials", ["--client-credentials", "--scope", "orders.read", "--audience", "https://orders.example/"], ("SCOPE", "orders.read")),
        """{"type":"Bearer","refresh":"none"}""");
}
