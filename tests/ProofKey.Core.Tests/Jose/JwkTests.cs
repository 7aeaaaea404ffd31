using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>Which keys are believed.</summary>
[Rfc("RFC 7517", "4")]
public sealed class JwkTests
{
    public static TheoryData<string, string> PrivateOrSymmetricMembers { get; } = new()
    {
        { "EC", "d" }, { "RSA", "d" }, { "RSA", "p" }, { "RSA", "q" }, { "RSA", "dp" }, { "RSA", "dq" }, { "RSA", "qi" }, { "RSA", "oth" }, { "EC", "k" }, { "RSA", "k" },
    };

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public void A_public_key_survives_being_written_and_read(string algorithm)
    {
        var signer = TestKeys.For(algorithm);
        var key = Read(HandMade.Json(signer.PublicKey));

        (key.KeyType, key.KeyId, key.Use, key.Algorithm).ShouldBe((signer.Algorithm.KeyType, signer.KeyId, "sig", signer.Algorithm));
        key.Thumbprint().ShouldBe(signer.KeyId);
        key.KeyOperations.ShouldBeNull();
        key.Verify(signer.Algorithm, "data"u8, signer.Sign("data"u8)).ShouldBeTrue();
        key.Verify(signer.Algorithm, "datA"u8, signer.Sign("data"u8)).ShouldBeFalse();
    }

    [Theory]
    [Assertion("MD-07")]
    [Rfc("RFC 7518", "6.2.2")]
    [Rfc("RFC 7518", "6.3.2")]
    [Rfc("RFC 7518", "6.4")]
    [MemberData(nameof(PrivateOrSymmetricMembers))]
    public void A_key_with_a_private_or_symmetric_member_is_refused(string keyType, string member)
    {
        var json = HandMade.Json(TestKeys.For(keyType == "EC" ? "ES256" : "RS256").PublicKey);
        json[member] = "AQAB";

        Refusal(json).ShouldBe("The key holds a private or symmetric part; it must be public.");
    }

    [Fact]
    [Assertion("MD-07")]
    public void A_written_key_has_public_members_only()
    {
        HandMade.Json(TestKeys.Ec.PublicKey).Select(member => member.Key).ShouldBe(["kty", "use", "alg", "kid", "crv", "x", "y"]);
        HandMade.Json(TestKeys.Rsa.PublicKey).Select(member => member.Key).ShouldBe(["kty", "use", "alg", "kid", "e", "n"]);
    }

    [Fact]
    [Assertion("RS-07")]
    public void A_key_that_points_to_another_address_is_refused()
    {
        var json = HandMade.Json(TestKeys.Ec.PublicKey);
        json["x5u"] = "https://evil.example/cert";
        Refusal(json).ShouldContain("x5u");
    }

    [Fact]
    public void Members_that_we_do_not_know_are_ignored()
    {
        var json = HandMade.Json(TestKeys.Ec.PublicKey);
        json["x5c"] = new JsonArray("AAAA");
        json["x5t"] = "AAAA";
        json["ext"] = true;
        json["nbf"] = 1;
        Read(json).Thumbprint().ShouldBe(TestKeys.Ec.KeyId);
    }

    [Theory]
    [InlineData("kty", "oct")]
    [InlineData("kty", "OKP")]
    [InlineData("kty", "ec")]
    [InlineData("kty", "RSA")]
    [InlineData("kty", null)]
    [InlineData("crv", "P-384")]
    [InlineData("crv", "secp256k1")]
    [InlineData("crv", "p-256")]
    [InlineData("crv", null)]
    [InlineData("alg", "ES384")]
    [InlineData("alg", "RS256")]
    [InlineData("alg", "es256")]
    [InlineData("alg", "none")]
    [InlineData("alg", "HS256")]
    [InlineData("x", null)]
    [InlineData("y", "")]
    [InlineData("y", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void An_elliptic_key_of_another_kind_is_refused(string member, string? value)
    {
        var json = HandMade.Json(TestKeys.Ec.PublicKey);
        json[member] = value;
        if (value is null) json.Remove(member);
        Refusal(json).ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("kid")]
    [InlineData("use")]
    [InlineData("alg")]
    [InlineData("kty")]
    [InlineData("key_ops")]
    [InlineData("x")]
    public void A_member_of_the_wrong_type_is_refused(string member)
    {
        foreach (var wrong in new[] { "1", "null", "{}", "[1]", "true" })
        {
            var json = HandMade.Json(TestKeys.Ec.PublicKey);
            json[member] = JsonNode.Parse(wrong);
            Refusal(json).ShouldNotBeEmpty();
        }
    }

    [Fact]
    public void A_duplicate_member_is_refused_even_where_the_caller_parsed_carelessly()
    {
        var text = HandMade.Json(TestKeys.Ec.PublicKey).ToJsonString().Replace("\"use\"", "\"kid\":\"other\",\"use\"", StringComparison.Ordinal);
        using var careless = JsonDocument.Parse(text);

        Jwk.TryParse(careless.RootElement, out _, out var problem).ShouldBeFalse();
        problem.ShouldBe("A member of the key stands there twice.");
    }

    [Theory]
    [Rfc("RFC 8259", "8.2")]
    [InlineData("""{"kty":"EC","kid":"\ud800"}""")]
    [InlineData("""{"kty":"EC","\udc00":1}""")]
    [InlineData("""{"kty":"EC","key_ops":["\ud800"]}""")]
    public void A_text_that_is_not_unicode_is_refused_even_where_the_caller_parsed_carelessly(string json)
    {
        Jwk.TryParse(JsonElement.Parse(json), out _, out var problem).ShouldBeFalse();
        problem.ShouldBe("The key holds a text that is not Unicode.");
    }

    [Fact]
    public void What_is_not_an_object_is_no_key()
    {
        foreach (var json in new[] { "[]", "1", "\"EC\"", "null", "true" })
            Jwk.TryParse(JsonElement.Parse(json), out _, out _).ShouldBeFalse();
    }

    // An invalid-curve attack needs one key that is not looked at (RFC 8725 section 3.4).
    [Fact]
    [Rfc("RFC 8725", "3.4")]
    public void Only_points_on_the_curve_are_keys()
    {
        var random = new Random(256);
        Base64UrlText.TryDecode(HandMade.Json(TestKeys.Ec.PublicKey)["x"]!.GetValue<string>(), out var x).ShouldBeTrue();
        for (var i = 0; i < 200; i++)
        {
            var json = HandMade.Json(TestKeys.Ec.PublicKey);
            var moved = (byte[])x!.Clone();
            moved[random.Next(32)] ^= (byte)(1 << random.Next(8));
            json["x"] = Base64UrlText.Encode(moved);
            Refusal(json).ShouldBe("The key's coordinates are not a point on P-256.");
        }
    }

    [Fact]
    [Rfc("RFC 7518", "6.2.1.2")]
    public void A_coordinate_has_exactly_32_bytes_and_is_below_the_prime()
    {
        var json = HandMade.Json(TestKeys.Ec.PublicKey);
        Base64UrlText.TryDecode(json["x"]!.GetValue<string>(), out var x).ShouldBeTrue();

        foreach (var wrong in new byte[][] { [0, .. x!], [.. x!, 0], x![1..], Convert.FromHexString("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF") })
        {
            json["x"] = Base64UrlText.Encode(wrong);
            Refusal(json).ShouldBe("The key's coordinates are not a point on P-256.");
        }
        json["x"] = Base64UrlText.Encode(x) + "=";
        Refusal(json).ShouldBe("The key's coordinates are not a point on P-256.");
    }

    // One point must have one spelling: x + p is the same number on the curve, but another text and another thumbprint.
    [Fact]
    [Rfc("RFC 7518", "6.2.1.2")]
    public void A_coordinate_that_was_not_reduced_is_refused_though_its_point_is_on_the_curve()
    {
        var p = Number("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF");
        var b = Number("5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B");
        // p is 3 modulo 4, so a power of a square is its root.
        var (x, y, _) = Enumerable.Range(0, 100).Select(x => (X: x, Square: ((x * x * x) - (3 * x) + b) % p))
            .Select(point => (point.X, Y: BigInteger.ModPow(point.Square, (p + 1) / 4, p), point.Square))
            .First(point => point.Y * point.Y % p == point.Square);
        var json = HandMade.Json(TestKeys.Ec.PublicKey);
        (json["x"], json["y"]) = (Coordinate(x), Coordinate(y));
        Read(json).KeyType.ShouldBe("EC");
        json["x"] = Coordinate(x + p);
        Refusal(json).ShouldBe("The key's coordinates are not a point on P-256.");

        static BigInteger Number(string hex) => new(Convert.FromHexString(hex), isUnsigned: true, isBigEndian: true);
        static string Coordinate(BigInteger number)
        {
            var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
            return Base64UrlText.Encode([.. new byte[32 - bytes.Length], .. bytes]);
        }
    }

    [Theory]
    [Assertion("MD-07")]
    [InlineData(1024)]
    [InlineData(2040)]
    public void A_short_rsa_key_is_refused(int bits)
    {
        using var rsa = RSA.Create(bits);
        Refusal(Json(rsa.ExportParameters(false))).ShouldBe("An RSA key has at least 2048 bits.");
    }

    [Fact]
    [Assertion("MD-07")]
    public void An_rsa_key_of_an_odd_shape_is_refused()
    {
        var good = Rsa();
        Refusal(Json(good with { Modulus = new byte[1025].Select(_ => (byte)0xff).ToArray() })).ShouldBe("An RSA key has at most 8192 bits.");
        Refusal(Json(good with { Modulus = [.. good.Modulus![..^1], 0x10] })).ShouldBe("The modulus of an RSA key is odd.");
        // 2048 bits are counted from the first bit that is set, not in bytes.
        Refusal(Json(good with { Modulus = [0x7f, .. good.Modulus![1..]] })).ShouldBe("An RSA key has at least 2048 bits.");
        Refusal(Json(good with { Modulus = [] })).ShouldBe("An RSA key has at least 2048 bits.");
    }

    [Theory]
    [Assertion("MD-07")]
    [InlineData("")]
    [InlineData("AA")]
    [InlineData("AQ")]
    [InlineData("Aw")]
    [InlineData("Ag")]
    [InlineData("AQAA")]
    [InlineData("AQAC")]
    [InlineData("AQAAAAE")]
    public void An_rsa_exponent_is_odd_and_neither_tiny_nor_huge(string exponent)
    {
        var json = HandMade.Json(TestKeys.Rsa.PublicKey);
        json["e"] = exponent;
        Refusal(json).ShouldBe("The exponent of an RSA key is odd, at least 65537 and below 2^32.");
    }

    [Fact]
    [Rfc("RFC 7518", "6.3.1.1")]
    public void A_zero_byte_before_an_rsa_number_changes_nothing()
    {
        var key = Read(Json(Rsa() with { Modulus = [0, .. Rsa().Modulus!], Exponent = [0, 1, 0, 1] }));
        key.Thumbprint().ShouldBe(TestKeys.Rsa.KeyId);
        key.Verify(SignatureAlgorithm.RS256, "data"u8, TestKeys.Rsa.Sign("data"u8)).ShouldBeTrue();
    }

    [Fact]
    [Assertion("MD-07")]
    public void A_key_of_the_broken_generator_is_refused()
    {
        var group = VectorFile.Read("wycheproof/json_web_key_test.json").GetProperty("testGroups").EnumerateArray()
            .Single(group => group.GetProperty("comment").GetString() == "jws_rsa_roca_key");

        Jwk.TryParse(group.GetProperty("public").GetProperty("keys")[0], out _, out var problem).ShouldBeFalse();
        problem!.ShouldContain("CVE-2017-15361");
    }

    [Theory]
    [Rfc("RFC 7517", "4.2")]
    [Rfc("RFC 7517", "4.3")]
    [InlineData("""{"use":"sig"}""", true)]
    [InlineData("""{"use":"enc"}""", false)]
    [InlineData("""{"use":"SIG"}""", false)]
    [InlineData("""{"use":""}""", false)]
    [InlineData("""{"key_ops":["verify"]}""", true)]
    [InlineData("""{"key_ops":["sign","verify"]}""", true)]
    [InlineData("""{"key_ops":["sign"]}""", false)]
    [InlineData("""{"key_ops":["encrypt"]}""", false)]
    [InlineData("""{"key_ops":[]}""", false)]
    [InlineData("""{"use":"enc","key_ops":["verify"]}""", false)]
    [InlineData("""{"alg":"ES256"}""", true)]
    [InlineData("""{}""", true)]
    public void A_key_is_used_for_what_it_says_it_is_for(string members, bool usable)
    {
        var json = HandMade.Json(TestKeys.Ec.PublicKey);
        json.Remove("use");
        json.Remove("alg");
        foreach (var (name, value) in JsonNode.Parse(members)!.AsObject()) json[name] = value!.DeepClone();

        var key = Read(json);

        key.CanVerifyWith(SignatureAlgorithm.ES256).ShouldBe(usable);
        key.CanVerifyWith(SignatureAlgorithm.RS256).ShouldBeFalse();
        key.Verify(SignatureAlgorithm.ES256, "data"u8, TestKeys.Ec.Sign("data"u8)).ShouldBe(usable);
        HandMade.Json(key).ToJsonString().ShouldContain(members.Trim('{', '}'));
    }

    [Fact]
    [Rfc("RFC 7517", "4.3")]
    public void Repeated_key_operations_are_refused()
    {
        var json = HandMade.Json(TestKeys.Ec.PublicKey);
        json["key_ops"] = new JsonArray("verify", "verify");
        Refusal(json).ShouldBe("The key's key_ops is a list of different texts.");
    }

    [Fact]
    [Assertion("RS-06")]
    [Rfc("RFC 8725", "3.1")]
    public void An_rsa_key_that_states_an_algorithm_verifies_no_other()
    {
        using var twin = SigningKey.FromPkcs8(SignatureAlgorithm.PS256, TestKeys.Rsa.ToPkcs8());
        var signature = twin.Sign("data"u8);

        TestKeys.Rsa.PublicKey.Verify(SignatureAlgorithm.PS256, "data"u8, signature).ShouldBeFalse();
        twin.PublicKey.Verify(SignatureAlgorithm.PS256, "data"u8, signature).ShouldBeTrue();
        var json = HandMade.Json(TestKeys.Rsa.PublicKey);
        json.Remove("alg");
        Read(json).Verify(SignatureAlgorithm.PS256, "data"u8, signature).ShouldBeTrue();
        Read(json).Verify(SignatureAlgorithm.RS256, "data"u8, signature).ShouldBeFalse();
    }

    [Fact]
    [Rfc("RFC 7518", "3.4")]
    public void An_es256_signature_has_exactly_64_bytes_and_is_not_der()
    {
        using var ec = ECDsa.Create();
        ec.ImportPkcs8PrivateKey(TestKeys.Ec.ToPkcs8(), out _);
        var der = ec.SignData("data"u8.ToArray(), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        var good = TestKeys.Ec.Sign("data"u8);

        good.Length.ShouldBe(64);
        foreach (var wrong in new byte[][] { der, [], good[..63], [.. good, 0], [0, .. good], new byte[64] })
            TestKeys.Ec.PublicKey.Verify(SignatureAlgorithm.ES256, "data"u8, wrong).ShouldBeFalse();
    }

    [Fact]
    [Rfc("RFC 7518", "3.3")]
    public void An_rsa_signature_has_exactly_the_length_of_the_modulus()
    {
        var good = TestKeys.Rsa.Sign("data"u8);
        foreach (var wrong in new byte[][] { [], good[..255], [.. good, 0], [0, .. good], new byte[256] })
            TestKeys.Rsa.PublicKey.Verify(SignatureAlgorithm.RS256, "data"u8, wrong).ShouldBeFalse();
    }

    private static Jwk Read(JsonObject json)
    {
        Jwk.TryParse(JsonElement.Parse(json.ToJsonString()), out var key, out var problem).ShouldBeTrue(problem);
        return key!;
    }

    private static string Refusal(JsonObject json)
    {
        Jwk.TryParse(JsonElement.Parse(json.ToJsonString()), out var key, out var problem).ShouldBeFalse();
        key.ShouldBeNull();
        return problem!;
    }

    private static RSAParameters Rsa()
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(TestKeys.Rsa.ToPkcs8(), out _);
        return rsa.ExportParameters(false);
    }

    private static JsonObject Json(RSAParameters key) =>
        new() { ["kty"] = "RSA", ["n"] = Base64UrlText.Encode(key.Modulus), ["e"] = Base64UrlText.Encode(key.Exponent) };
}
