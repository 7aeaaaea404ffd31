using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>Making and checking a proof of possession.</summary>
public class DpopTests
{
    private const string Address = "https://api.example/orders";
    private const string Token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

    private static readonly DateTimeOffset Now = HandMade.Now;

    private static readonly DpopExpectations Expected = new() { Method = "POST", Address = Address };

    [Theory]
    [Rfc("RFC 9449", "4.2")]
    [Rfc("RFC 9449", "4.3")]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public void What_one_end_makes_the_other_accepts(string algorithm)
    {
        var key = TestKeys.For(algorithm);
        var proof = Dpop.Prove(key, "POST", new Uri(Address + "?page=2#top"), Now, "nonce", Token);
        var expected = Expected with { AccessToken = Token, Thumbprint = key.PublicKey.Thumbprint(), NonceEnd = nonce => nonce == "nonce" ? Now.AddMinutes(1) : null };
        DpopProof.Check([proof], expected, Now).TryGet(out var good, out var error).ShouldBeTrue(error?.Description);
        (good!.Thumbprint, good.Nonce, good.Address, good.GoodUntil).ShouldBe((key.PublicKey.Thumbprint(), "nonce", Address, Now.AddMinutes(1)));
        good.Id.Length.ShouldBeGreaterThanOrEqualTo(16);
        good.ToString().ShouldBe(nameof(DpopProof));
    }

    [Theory]
    [Rfc("RFC 9449", "4.3")]
    [InlineData("https://b\u00fccher.example/x y?q#f", "https://xn--bcher-kva.example/x%20y")]
    [InlineData("https://b\u00fccher.example:8443/", "https://xn--bcher-kva.example:8443/")]
    [InlineData("https://api.example:443/orders", "https://api.example/orders")]
    [InlineData("http://[::1]:8080/orders", "http://[::1]:8080/orders")]
    public void The_address_in_a_proof_is_the_one_of_the_request_whose_host_is_in_ASCII(string address, string written)
    {
        var proof = Dpop.Prove(TestKeys.Ec, "POST", new Uri(address), Now);

        Json(proof, 1)["htu"]!.GetValue<string>().ShouldBe(written);
        DpopProof.Check([proof], Expected with { Address = written }, Now).TryGet(out _, out var error).ShouldBeTrue(error?.Description);
    }

    [Fact]
    [Rfc("RFC 9449", "4.2")]
    public void A_proof_holds_the_public_key_and_what_it_is_for_and_nothing_else()
    {
        var proof = Dpop.Prove(TestKeys.Ec, "GET", new Uri("https://api.example/orders?page=2#top"), Now);
        var (header, claims) = (Json(proof, 0), Json(proof, 1));
        header.Select(member => member.Key).ShouldBe(["alg", "typ", "jwk"]);
        header["typ"]!.GetValue<string>().ShouldBe("dpop+jwt");
        header["jwk"]!.AsObject().Select(member => member.Key).ShouldBe(["kty", "crv", "x", "y"]);
        claims.Select(member => member.Key).ShouldBe(["jti", "htm", "htu", "iat"]);
        (claims["htm"]!.GetValue<string>(), claims["htu"]!.GetValue<string>()).ShouldBe(("GET", Address));
        Json(Dpop.Prove(TestKeys.Ec, "GET", new Uri(Address), Now), 1)["jti"]!.GetValue<string>().ShouldNotBe(claims["jti"]!.GetValue<string>());
    }

    [Fact]
    [Rfc("RFC 9449", "7.1")]
    public void The_example_of_the_standard_is_accepted_at_its_time()
    {
        // RFC 9449 figure 12, with the access token of figure 13
        const string Proof =
            "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
            + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9"
            + ".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
        var expected = new DpopExpectations
        {
            Method = "GET",
            Address = "https://resource.example.org/protectedresource",
            AccessToken = Token,
            Thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        };
        DpopProof.Check([Proof], expected, DateTimeOffset.FromUnixTimeSeconds(1562262618)).TryGet(out _, out var error).ShouldBeTrue(error?.Description);
    }

    // Everything is wrong at first; each line mends one thing, and the next check complains. That is the order of the rules.
    [Fact]
    [Rfc("RFC 9449", "4.3")]
    public void The_order_of_the_checks_is_the_policy()
    {
        var (header, claims) = (new JsonObject { ["alg"] = "HS256", ["typ"] = "JWT" }, new JsonObject());
        SigningKey signer = TestKeys.Rsa;
        string Sent() => HandMade.Token(header.ToJsonString(), claims.ToJsonString(), data => signer.Sign(data));
        var expected = Expected with { AccessToken = Token, Thumbprint = TestKeys.Pss.PublicKey.Thumbprint(), NonceEnd = nonce => nonce == "good" ? Now.AddMinutes(5) : null };
        string Complaint(params string[] headers)
        {
            var error = DpopProof.Check(headers, expected, Now).Error!;
            return $"{error.Code}: {error.Description}";
        }

        Complaint().ShouldContain("exactly one DPoP header");
        Complaint(Sent(), Sent()).ShouldContain("exactly one DPoP header");
        Complaint(new string('x', DpopProof.MaxLength + 1)).ShouldContain("4096");
        Complaint("x").ShouldContain("one signed JWT");
        Complaint(Sent()).ShouldContain("typ");
        header["typ"] = "dpop+jwt";
        Complaint(Sent()).ShouldContain("alg of a DPoP proof must be one of ES256, RS256, PS256");
        header["alg"] = "ES256";
        Complaint(Sent()).ShouldContain("public key in the jwk");
        header["jwk"] = HandMade.Json(TestKeys.Ec.PublicKey);
        header["jwk"]!["d"] = "AA";
        Complaint(Sent()).ShouldContain("it must be public");
        header["jwk"] = new JsonObject { ["kty"] = "RSA", ["e"] = "AQAB", ["n"] = Base64UrlText.Encode(Enumerable.Repeat((byte)0xff, 513).ToArray()) };
        Complaint(Sent()).ShouldContain("at most 4096 bits");
        header["jwk"]!["n"] = Base64UrlText.Encode(Enumerable.Repeat((byte)0xff, 512).ToArray());
        Complaint(Sent()).ShouldContain("signature");
        header["jwk"] = HandMade.Json(TestKeys.Ec.PublicKey);
        Complaint(Sent()).ShouldContain("signature");
        signer = TestKeys.Ec;
        Complaint(Sent()).ShouldContain("jti");
        claims["jti"] = "1";
        Complaint(Sent()).ShouldContain("iat");
        claims["iat"] = Now.AddHours(-1).ToUnixTimeSeconds();
        Complaint(Sent()).ShouldContain("htm");
        claims["htm"] = "POST";
        Complaint(Sent()).ShouldContain("htu");
        claims["htu"] = Address;
        Complaint(Sent()).ShouldContain("ath");
        claims["ath"] = Base64UrlText.Encode(Secret.Digest(Token));
        Complaint(Sent()).ShouldStartWith("invalid_token:");
        expected = expected with { Thumbprint = TestKeys.Ec.PublicKey.Thumbprint() };
        Complaint(Sent()).ShouldContain("too far from now");
        claims["iat"] = Now.ToUnixTimeSeconds();
        Complaint(Sent()).ShouldStartWith("use_dpop_nonce:");
        claims["nonce"] = "good";
        DpopProof.Check([Sent()], expected, Now).TryGet(out _, out _).ShouldBeTrue();
    }

    [Theory]
    [Rfc("RFC 9449", "4.3")]
    [InlineData(-60_000, false)]
    [InlineData(-59_999, true)]
    [InlineData(0, true)]
    [InlineData(10_000, true)]
    [InlineData(10_001, false)]
    public void Without_a_nonce_a_proof_is_good_for_a_minute_and_from_ten_seconds_ahead(int milliseconds, bool isGood)
    {
        var proof = Forge(claims => claims["iat"] = Now.AddMilliseconds(milliseconds).ToUnixTimeMilliseconds() / 1000.0);
        var result = DpopProof.Check([proof], Expected, Now);
        (result.Proof is not null).ShouldBe(isGood, result.Error?.Description);
        if (isGood) result.Proof!.GoodUntil.ShouldBe(Now.AddMilliseconds(milliseconds + 60_000));
    }

    [Theory]
    [Rfc("RFC 9449", "4.3")]
    [Rfc("RFC 3986", "6.2.2")]
    [Rfc("RFC 3986", "6.2.3")]
    [InlineData("https://api.example/orders", true)]
    [InlineData("HTTPS://API.Example/orders", true)]
    [InlineData("https://api.example:443/orders", true)]
    [InlineData("https://api.example/orders?x=1", true)]
    [InlineData("https://api.example/orders#x", true)]
    [InlineData("https://api.example/%6frders", true)]
    [InlineData("https://api.example/x/../orders", true)]
    [InlineData("https://api.example/Orders", false)]
    [InlineData("https://api.example/orders/", false)]
    [InlineData("https://api.example/orders%2f1", false)]
    [InlineData("http://api.example/orders", false)]
    [InlineData("https://api.example:444/orders", false)]
    [InlineData("https://api.example.evil.example/orders", false)]
    [InlineData("https://user@api.example/orders", false)]
    [InlineData("https://api.example@evil.example/orders", false)]
    [InlineData("ftp://api.example/orders", false)]
    [InlineData("/orders", false)]
    [InlineData("", false)]
    [InlineData("https://apı.example/orders", false)]
    public void Addresses_are_compared_in_their_normal_form(string address, bool isSame) =>
        (DpopProof.Check([Forge(claims => claims["htu"] = address)], Expected, Now).Proof is not null).ShouldBe(isSame);

    [Fact]
    [Rfc("RFC 3986", "6.2.2")]
    public void Escapes_are_the_same_in_either_case() =>
        DpopProof.Check([Forge(claims => claims["htu"] = "https://api.example/a%c3%a4%2fb")], Expected with { Address = "https://api.example/a%C3%A4%2Fb" }, Now).Error.ShouldBeNull();

    [Fact]
    public void A_key_that_says_it_is_for_something_else_signs_no_proof()
    {
        DpopProof.Check([Forge(null, header => header["jwk"]!["use"] = "enc")], Expected, Now).Error!.Code.ShouldBe("invalid_dpop_proof");
        DpopProof.Check([Forge(null, header => header["jwk"]!["key_ops"] = new JsonArray("sign"))], Expected, Now).Error!.Code.ShouldBe("invalid_dpop_proof");
        DpopProof.Check([Forge(null, header => header["kid"] = "any")], Expected, Now).Error.ShouldBeNull("a name beside the key changes nothing");
        DpopProof.Check([Forge()], Expected with { Algorithms = [SignatureAlgorithm.PS256] }, Now).Error!.Code.ShouldBe("invalid_dpop_proof");
    }

    [Fact]
    public void Nothing_checked_is_no_proof()
    {
        default(DpopResult).TryGet(out var proof, out var error).ShouldBeFalse();
        (proof, error!.Code).ShouldBe((null, "invalid_dpop_proof"));
    }

    internal static string Forge(Action<JsonObject>? claims = null, Action<JsonObject>? header = null)
    {
        var proof = Dpop.Prove(TestKeys.Ec, "POST", new Uri(Address), Now);
        var (forgedHeader, forgedClaims) = (Json(proof, 0), Json(proof, 1));
        header?.Invoke(forgedHeader);
        claims?.Invoke(forgedClaims);
        return HandMade.Token(forgedHeader.ToJsonString(), forgedClaims.ToJsonString(), data => TestKeys.Ec.Sign(data));
    }

    private static JsonObject Json(string proof, int part)
    {
        Base64UrlText.TryDecode(proof.Split('.')[part], out var bytes).ShouldBeTrue();
        return JsonNode.Parse(bytes)!.AsObject();
    }
}
