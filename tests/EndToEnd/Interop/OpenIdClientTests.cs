using System.Security.Cryptography;
using ProofKey;

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

    [Theory]
    [InlineData()]
    [InlineData("--require-par")]
    [Assertion("PR-01")]
    [Rfc("RFC 9126", "2.1")]
    public async Task It_pushes_its_request(params string[] options)
    {
        var result = await RunAsync("par", options);
        result.GetProperty("sent").EnumerateArray().Select(name => name.GetString()).ShouldBe(["client_id", "request_uri"]);
        result.GetProperty("scope").GetString().ShouldBe("openid profile email offline_access");
    }

    [Theory]
    [InlineData()]
    [InlineData("--dpop")]
    [Assertion("DP-03")]
    [Assertion("DP-04")]
    [Assertion("DP-05")]
    [Rfc("RFC 9449", "5")]
    public async Task It_binds_its_tokens_to_a_key_and_nobody_else_can_use_them(params string[] options) => ShouldBe(
        await RunAsync("dpop", options),
        """{"type":"dpop","email":"alice@example.com","refreshed":"dpop","otherKey":"invalid_grant","noKey":"invalid_dpop_proof","asBearer":"401 bearer invalid_token"}""");

    [Fact]
    [Assertion("DP-09")]
    [Rfc("RFC 9449", "10.1")]
    public async Task It_pushes_its_request_with_a_proof() => ShouldBe(await RunAsync("dpopWithPar"), """{"type":"dpop"}""");

    [Fact]
    [Rfc("RFC 8707", "2")]
    public async Task It_asks_for_tokens_for_one_api()
    {
        const string Api = "https://openid-client.example/api";
        // A scope of its own: one that an API owns is refused for any other, and all tests share the server.
        await Server.OperateAsync(Cancellation, "resource", "add", Api, "--scope", "shelves.read");
        var result = await RunAsync("resource", ["--scope", "openid shelves.read offline_access"], "allow", ("RESOURCE", Api), ("SCOPE", "openid shelves.read offline_access"));
        result.GetProperty("first").GetString().ShouldBe(Api);
        result.GetProperty("second").GetString().ShouldBe(Api);
    }

    [Fact]
    [Assertion("DV-01")]
    [Assertion("DV-06")]
    [Rfc("RFC 8628", "3.4")]
    public async Task It_signs_in_a_device()
    {
        var result = await RunAsync("device", ["--device"]);
        result.GetProperty("complete").GetBoolean().ShouldBeTrue();
        result.GetProperty("scope").GetString().ShouldBe("openid profile email offline_access");
    }

    [Fact]
    [Assertion("DV-04")]
    [Rfc("RFC 8628", "3.5")]
    public async Task It_is_told_that_the_device_was_turned_away() => ShouldBe(await RunAsync("deviceDenied", ["--device"], decision: "deny"), """{"error":"access_denied"}""");

    [Fact]
    [Assertion("RV-09")]
    [Rfc("RFC 7662", "2.2")]
    public async Task It_introspects_and_sees_a_revocation_at_once() =>
        ShouldBe(await RunConfidentialAsync("introspection"), """{"before":true,"subject":true,"refresh":true,"after":{"active":false}}""");

    [Fact]
    [Rfc("RFC 6749", "4.4")]
    public async Task It_gets_tokens_of_its_own_without_a_person() => ShouldBe(
        await RunConfidentialAsync("clientCredentials", ["--client-credentials", "--scope", "invoices.read", "--audience", "https://invoices.example/"], ("SCOPE", "invoices.read")),
        """{"type":"bearer","scope":"invoices.read","refresh":"none"}""");

    [Fact]
    [Rfc("RFC 7523", "3")]
    public async Task It_proves_itself_with_its_key()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var folder = Directory.CreateTempSubdirectory("proofkey-interop-");
        try
        {
            var file = Path.Combine(folder.FullName, "keys.json");
            await File.WriteAllTextAsync(
                file,
                $$"""{"keys":[{"kty":"EC","crv":"P-256","x":"{{Base64UrlText.Encode(point.X)}}","y":"{{Base64UrlText.Encode(point.Y)}}","kid":"mine","alg":"ES256","use":"sig"}]}""",
                Cancellation);
            var result = await RunWithKeyAsync(
                "privateKey", ["--jwks", file, "--client-credentials", "--scope", "invoices.read", "--audience", "https://invoices.example/"],
                ("SCOPE", "invoices.read"), ("CLIENT_KEY", key.ExportPkcs8PrivateKeyPem()), ("CLIENT_KEY_ID", "mine"));
            ShouldBe(result, """{"type":"bearer","scope":"invoices.read","refresh":"none"}""");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    [Assertion("LO-01")]
    [Rfc("OpenID Connect RP-Initiated Logout", "2")]
    public async Task It_signs_out() =>
        ShouldBe(await RunAsync("endSession", ["--post-logout-redirect-uri", ThirdPartyClient.PostLogoutRedirectUri]), """{"end":"http://127.0.0.1/signed-out?state=after","refresh":"invalid_grant"}""");
}
