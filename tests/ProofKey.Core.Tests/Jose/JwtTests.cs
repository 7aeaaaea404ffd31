using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>Which tokens are accepted. Each hostile one differs from a good one in one thing.</summary>
[Rfc("RFC 7519", "7.2")]
public sealed class JwtTests
{
    private static readonly long Now = HandMade.Now.ToUnixTimeSeconds();

    public static TheoryData<string, string, string> Claims { get; } = new()
    {
        { "aud", "null", "claim" },
        { "aud", "1", "claim" },
        { "aud", "[]", "claim" },
        { "aud", "[1]", "claim" },
        { "aud", """["https://api.example",1]""", "claim" },
        { "aud", """{"a":"https://api.example"}""", "claim" },
        { "aud", "\"\"", "audience" },
        { "aud", "\"https://api.example/\"", "audience" },
        { "aud", "\"https://api.exampl\"", "audience" },
        { "aud", "\"https://api.example.evil\"", "audience" },
        { "aud", "\"HTTPS://API.EXAMPLE\"", "audience" },
        { "aud", """["https://other.example","https://api.example/"]""", "audience" },
        { "aud", """["https://other.example","https://api.example"]""", "accepted" },
        { "aud", """["https://api.example"]""", "accepted" },
        { "iss", "null", "claim" },
        { "iss", "1", "claim" },
        { "iss", """["https://login.example"]""", "claim" },
        { "iss", "\"https://login.example/\"", "issuer" },
        { "iss", "\"https://Login.example\"", "issuer" },
        { "iss", "\"http://login.example\"", "issuer" },
        { "iss", "\"\"", "issuer" },
        { "sub", "1", "claim" },
        { "sub", "null", "claim" },
        { "exp", "null", "claim" },
        { "exp", "\"1900000000\"", "claim" },
        { "exp", "true", "claim" },
        { "exp", "[1900000000]", "claim" },
        { "exp", "1e308", "claim" },
        { "exp", "1e999", "claim" },
        { "exp", "253402300800", "claim" },
        { "exp", "-1", "claim" },
        { "exp", "99999999999999999999", "claim" },
        { "exp", "0", "expired" },
        { "exp", "253402300799", "accepted" },
        { "exp", "1.9e9", "accepted" },
        { "nbf", "null", "claim" },
        { "nbf", "\"0\"", "claim" },
        { "nbf", "1e308", "claim" },
        { "nbf", "-1e308", "claim" },
        { "nbf", "0", "accepted" },
        { "iat", "null", "claim" },
        { "iat", "\"now\"", "claim" },
        { "iat", "1e308", "claim" },
        { "iat", "1799999999.5", "accepted" },
    };

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public void A_good_token_is_accepted_and_says_what_it_says(string algorithm)
    {
        var key = TestKeys.For(algorithm);
        var text = Jwt.Sign(key, "at+jwt", claims =>
        {
            claims.WriteString("iss", "https://login.example");
            claims.WriteString("sub", "ada ✓ \"quoted\" <b>");
            claims.WriteString("aud", "https://api.example");
            claims.WriteNumber("iat", Now);
            claims.WriteNumber("nbf", Now);
            claims.WriteNumber("exp", Now + 600);
            claims.WriteString("scope", "orders.read");
            claims.WriteBoolean("email_verified", true);
        });

        Jwt.Verify(text, TestKeys.All, HandMade.Expected, HandMade.Now).TryGet(out var jwt, out var problem).ShouldBeTrue();

        problem.ShouldBeNull();
        (jwt!.Issuer, jwt.Subject, jwt.Type, jwt.KeyId).ShouldBe(("https://login.example", "ada ✓ \"quoted\" <b>", "at+jwt", key.KeyId));
        jwt.Audiences.ShouldBe(["https://api.example"]);
        (jwt.IssuedAt, jwt.NotBefore, jwt.ExpiresAt).ShouldBe((HandMade.Now, HandMade.Now, HandMade.Now.AddMinutes(10)));
        (jwt.Text("scope"), jwt.Number("exp"), jwt.Boolean("email_verified")).ShouldBe(("orders.read", Now + 600, true));
        jwt.ToString().ShouldBe("Jwt");
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("exp")]
    [InlineData("sub")]
    [InlineData("flag")]
    [InlineData("list")]
    [InlineData("huge")]
    [InlineData("nothing")]
    public void A_claim_of_another_type_is_no_claim_of_this_type(string name)
    {
        var claims = HandMade.GoodClaims();
        claims["flag"] = true;
        claims["list"] = new JsonArray("a");
        claims["huge"] = JsonNode.Parse("1e300");
        claims["nothing"] = null;
        Jwt.Verify(HandMade.Token(TestKeys.Ec, claims), TestKeys.All, HandMade.Expected, HandMade.Now).TryGet(out var jwt, out _).ShouldBeTrue();

        (jwt!.Text(name) is not null).ShouldBe(name == "sub");
        jwt.Number(name).HasValue.ShouldBe(name == "exp");
        jwt.Boolean(name).HasValue.ShouldBe(name == "flag");
    }

    [Theory]
    [Assertion("RS-09")]
    [Rfc("RFC 7519", "2")]
    [Rfc("RFC 7519", "4.1.3")]
    [Rfc("RFC 8725", "3.8")]
    [Rfc("RFC 8725", "3.9")]
    [MemberData(nameof(Claims))]
    public void A_claim_must_be_as_expected(string name, string value, string verdict)
    {
        var claims = HandMade.GoodClaims().ToJsonString();
        var spoilt = $$"""{{claims.Replace($"\"{name}\":", $"\"other_{name}\":", StringComparison.Ordinal)[..^1]}},"{{name}}":{{value}}}""";

        HandMade.Verdict(HandMade.Token(TestKeys.Ec, HandMade.Header("ES256", TestKeys.Ec.KeyId), spoilt), TestKeys.All).ShouldBe(verdict);
    }

    [Theory]
    [Assertion("RS-09")]
    [InlineData("iss", "claim")]
    [InlineData("aud", "audience")]
    [InlineData("exp", "claim")]
    [InlineData("sub", "accepted")]
    [InlineData("iat", "accepted")]
    public void A_token_needs_an_issuer_an_audience_and_an_end(string name, string verdict)
    {
        var claims = HandMade.GoodClaims();
        claims.Remove(name);
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, claims), TestKeys.All).ShouldBe(verdict);
    }

    [Theory]
    [Assertion("RS-09")]
    [Rfc("RFC 7519", "4.1.4")]
    [Rfc("RFC 7519", "4.1.5")]
    [InlineData("exp", 1, "accepted")]
    [InlineData("exp", 0, "accepted")]
    [InlineData("exp", -59, "accepted")]
    [InlineData("exp", -60, "expired")]
    [InlineData("exp", -61, "expired")]
    [InlineData("nbf", 59, "accepted")]
    [InlineData("nbf", 60, "accepted")]
    [InlineData("nbf", 61, "not_yet_valid")]
    public void Clocks_may_differ_by_a_minute_and_no_more(string name, int seconds, string verdict)
    {
        var claims = HandMade.GoodClaims();
        claims[name] = Now + seconds;
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, claims), TestKeys.All).ShouldBe(verdict);
        if (verdict == "accepted" && seconds is not 1)
            HandMade.Verdict(HandMade.Token(TestKeys.Ec, claims), TestKeys.All, HandMade.Expected with { ClockSkew = TimeSpan.Zero }).ShouldNotBe("accepted");
    }

    [Fact]
    [Assertion("RS-09")]
    public void A_wider_clock_skew_cannot_be_configured()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => HandMade.Expected with { ClockSkew = TimeSpan.FromSeconds(61) });
        Should.Throw<ArgumentOutOfRangeException>(() => HandMade.Expected with { ClockSkew = TimeSpan.FromSeconds(-1) });
        new JwtExpectations { Issuer = "https://login.example" }.ClockSkew.ShouldBe(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void A_token_that_has_ended_is_accepted_only_where_the_caller_says_so()
    {
        var text = HandMade.Token(TestKeys.Ec, HandMade.GoodClaims());
        var later = HandMade.Now.AddDays(400);
        HandMade.Verdict(text, TestKeys.All, now: later).ShouldBe("expired");
        HandMade.Verdict(text, TestKeys.All, HandMade.Expected with { AllowExpired = true }, later).ShouldBe("accepted");
    }

    [Fact]
    public void The_extremes_of_time_do_not_overflow()
    {
        var text = HandMade.Token(TestKeys.Ec, HandMade.GoodClaims());
        HandMade.Verdict(text, TestKeys.All, now: DateTimeOffset.MaxValue).ShouldBe("expired");
        HandMade.Verdict(text, TestKeys.All, now: DateTimeOffset.MinValue).ShouldBe("accepted");
    }

    [Fact]
    public void Without_an_expected_audience_the_caller_sees_all_of_them()
    {
        var claims = HandMade.GoodClaims();
        claims["aud"] = new JsonArray("a", "b");
        Jwt.Verify(HandMade.Token(TestKeys.Ec, claims), TestKeys.All, HandMade.Expected with { Audience = null }, HandMade.Now).TryGet(out var jwt, out _).ShouldBeTrue();
        jwt!.Audiences.ShouldBe(["a", "b"]);

        claims.Remove("aud");
        Jwt.Verify(HandMade.Token(TestKeys.Ec, claims), TestKeys.All, HandMade.Expected with { Audience = null }, HandMade.Now).TryGet(out jwt, out _).ShouldBeTrue();
        jwt!.Audiences.ShouldBeEmpty();
    }

    [Theory]
    [Rfc("RFC 8725", "3.11")]
    [Rfc("RFC 7515", "4.1.9")]
    [InlineData("\"at+jwt\"", "accepted")]
    [InlineData("\"AT+JWT\"", "accepted")]
    [InlineData("\"application/at+jwt\"", "accepted")]
    [InlineData("\"Application/At+Jwt\"", "accepted")]
    [InlineData("\"JWT\"", "type")]
    [InlineData("\"at+jwt \"", "type")]
    [InlineData("\"\"", "type")]
    [InlineData("\"text/at+jwt\"", "type")]
    [InlineData("\"application/application/at+jwt\"", "type")]
    [InlineData("\"logout+jwt\"", "type")]
    [InlineData("1", "malformed")]
    [InlineData(null, "type")]
    public void The_kind_of_token_must_be_the_expected_one(string? typ, string verdict)
    {
        var header = $$"""{"alg":"ES256","kid":"{{TestKeys.Ec.KeyId}}"{{(typ is null ? "" : $",\"typ\":{typ}")}}}""";
        var text = HandMade.Token(TestKeys.Ec, header, HandMade.GoodClaims().ToJsonString());
        HandMade.Verdict(text, TestKeys.All).ShouldBe(verdict);
        HandMade.Verdict(text, TestKeys.All, HandMade.Expected with { Types = ["JWT", "application/at+jwt"] }).ShouldBe(typ == "\"JWT\"" ? "accepted" : verdict);
        HandMade.Verdict(text, TestKeys.All, HandMade.Expected with { Types = [] }).ShouldBe(verdict == "malformed" ? "malformed" : "accepted");
    }

    [Fact]
    [Rfc("RFC 7515", "4.1.9")]
    public void The_prefix_of_a_kind_may_be_left_out_only_where_there_is_no_other_slash()
    {
        var header = $$"""{"alg":"ES256","kid":"{{TestKeys.Ec.KeyId}}","typ":"application/text/plain"}""";
        var text = HandMade.Token(TestKeys.Ec, header, HandMade.GoodClaims().ToJsonString());
        HandMade.Verdict(text, TestKeys.All, HandMade.Expected with { Types = ["application/text/plain"] }).ShouldBe("accepted");
        HandMade.Verdict(text, TestKeys.All, HandMade.Expected with { Types = ["text/plain"] }).ShouldBe("type");
    }

    [Fact]
    [Assertion("RS-06")]
    [Rfc("RFC 8725", "2.1")]
    public void A_public_key_used_as_an_hmac_secret_opens_nothing()
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(TestKeys.Rsa.ToPkcs8(), out _);
        byte[][] secrets =
        [
            [], Encoding.ASCII.GetBytes(rsa.ExportSubjectPublicKeyInfoPem()), Encoding.ASCII.GetBytes(rsa.ExportSubjectPublicKeyInfoPem() + "\n"),
            rsa.ExportSubjectPublicKeyInfo(), rsa.ExportRSAPublicKey(), Encoding.ASCII.GetBytes(HandMade.Json(TestKeys.Rsa.PublicKey).ToJsonString()),
            rsa.ExportParameters(false).Modulus!,
        ];
        foreach (var secret in secrets)
            foreach (var algorithm in new[] { "HS256", "RS256", "ES256" })
            {
                var text = HandMade.Token(HandMade.Header(algorithm, TestKeys.Rsa.KeyId), HandMade.GoodClaims().ToJsonString(), data => HMACSHA256.HashData(secret, data));
                HandMade.Verdict(text, TestKeys.All).ShouldNotBe("accepted");
            }
    }

    [Theory]
    [Assertion("RS-06")]
    [InlineData("RS256", "PS256", "unknown_key")]
    [InlineData("PS256", "RS256", "unknown_key")]
    [InlineData("RS256", "ES256", "unknown_key")]
    [InlineData("ES256", "RS256", "unknown_key")]
    [InlineData("ES256", "PS256", "unknown_key")]
    [InlineData("ES256", "none", "algorithm")]
    [InlineData("ES256", "None", "algorithm")]
    [InlineData("ES256", "HS256", "algorithm")]
    public void The_algorithm_of_a_key_is_fixed_whatever_the_header_says(string actual, string stated, string verdict)
    {
        var key = TestKeys.For(actual);
        HandMade.Verdict(HandMade.Token(key, HandMade.Header(stated, key.KeyId), HandMade.GoodClaims().ToJsonString()), TestKeys.All).ShouldBe(verdict);
        // The same without a kid, so that every key that fits the stated algorithm is tried.
        var anonymous = HandMade.Token(key, $$"""{"alg":"{{stated}}","typ":"at+jwt"}""", HandMade.GoodClaims().ToJsonString());
        HandMade.Verdict(anonymous, TestKeys.All).ShouldBeOneOf("signature", "algorithm");
    }

    [Theory]
    [Assertion("RS-07")]
    [Rfc("RFC 8725", "3.10")]
    [InlineData("jku")]
    [InlineData("x5u")]
    [InlineData("jwk")]
    [InlineData("x5c")]
    public void A_key_that_the_token_brings_along_is_ignored(string member)
    {
        using var attacker = SigningKey.New(SignatureAlgorithm.ES256);
        JsonNode value = member switch { "jwk" => HandMade.Json(attacker.PublicKey), "x5c" => new JsonArray("AAAA"), _ => "http://127.0.0.1:1/keys" };
        var header = new JsonObject { ["alg"] = "ES256", ["typ"] = "at+jwt", [member] = value };

        HandMade.Verdict(HandMade.Token(attacker, header.ToJsonString(), HandMade.GoodClaims().ToJsonString()), TestKeys.All).ShouldBe("signature");
        header["kid"] = attacker.KeyId;
        HandMade.Verdict(HandMade.Token(attacker, header.ToJsonString(), HandMade.GoodClaims().ToJsonString()), TestKeys.All).ShouldBe("unknown_key");
        header["kid"] = TestKeys.Ec.KeyId;
        HandMade.Verdict(HandMade.Token(attacker, header.ToJsonString(), HandMade.GoodClaims().ToJsonString()), TestKeys.All).ShouldBe("signature");
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, header.ToJsonString(), HandMade.GoodClaims().ToJsonString()), TestKeys.All).ShouldBe("accepted");
    }

    [Fact]
    [Assertion("RS-07")]
    public void The_core_cannot_call_anybody()
    {
        var references = typeof(Jwt).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name).ToList();
        references.ShouldContain("System.Security.Cryptography");
        foreach (var network in new[] { "System.Net.Http", "System.Net.Sockets", "System.Net.Requests", "System.Net.NameResolution", "System.IO.FileSystem" })
            references.ShouldNotContain(network);
    }

    [Theory]
    [Assertion("RS-07")]
    [InlineData("../../../etc/passwd")]
    [InlineData("' OR 1=1 --")]
    [InlineData("https://evil.example/keys")]
    [InlineData("")]
    public void A_hostile_kid_finds_no_key(string keyId)
    {
        var header = new JsonObject { ["alg"] = "ES256", ["typ"] = "at+jwt", ["kid"] = keyId }.ToJsonString();
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, header, HandMade.GoodClaims().ToJsonString()), TestKeys.All).ShouldBe("unknown_key");
    }

    [Fact]
    [Assertion("RS-07")]
    public void A_kid_of_ten_thousand_characters_finds_no_key_and_an_array_is_malformed()
    {
        var payload = HandMade.GoodClaims().ToJsonString();
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, HandMade.Header("ES256", new string('k', 10_000)), payload), TestKeys.All).ShouldBe("unknown_key");
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, $$"""{"alg":"ES256","typ":"at+jwt","kid":["{{TestKeys.Ec.KeyId}}"]}""", payload), TestKeys.All).ShouldBe("malformed");
    }

    [Theory]
    [Assertion("RS-10")]
    [Rfc("RFC 8259", "8.2")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("1")]
    [InlineData("{")]
    [InlineData("{}{}")]
    [InlineData("""{"iss":"https://login.example","iss":"https://evil.example"}""")]
    [InlineData("""{"iss":"https://login.example","i\u0073s":"https://evil.example"}""")]
    [InlineData("""{"a":{"b":1,"b":2}}""")]
    [InlineData("""{"iss":"\udfff"}""")]
    public void A_payload_that_is_not_one_object_without_duplicates_is_malformed(string payload)
    {
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, HandMade.Header("ES256", TestKeys.Ec.KeyId), payload), TestKeys.All).ShouldBe("malformed");
    }

    [Fact]
    [Assertion("RS-10")]
    public void A_token_in_a_token_is_malformed()
    {
        var inner = HandMade.Token(TestKeys.Ec, HandMade.GoodClaims());
        var header = $$"""{"alg":"ES256","typ":"at+jwt","cty":"JWT","kid":"{{TestKeys.Ec.KeyId}}"}""";
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, header, inner), TestKeys.All).ShouldBe("malformed");
    }

    [Fact]
    [Assertion("RS-10")]
    [Assertion("RS-11")]
    public void An_encrypted_token_and_a_deep_payload_are_malformed()
    {
        HandMade.Verdict("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00iLCJ6aXAiOiJERUYifQ.AAAA.AAAA.AAAA.AAAA", TestKeys.All).ShouldBe("malformed");
        var claims = HandMade.GoodClaims().ToJsonString();
        string Nested(int depth) => $$"""{{claims[..^1]}},"x":{{new string('[', depth)}}{{new string(']', depth)}}}""";
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, HandMade.Header("ES256", TestKeys.Ec.KeyId), Nested(31)), TestKeys.All).ShouldBe("accepted");
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, HandMade.Header("ES256", TestKeys.Ec.KeyId), Nested(32)), TestKeys.All).ShouldBe("malformed");
        HandMade.Verdict(HandMade.Token(TestKeys.Ec, HandMade.Header("ES256", TestKeys.Ec.KeyId), Nested(5_000)), TestKeys.All).ShouldBe("malformed");
    }

    [Fact]
    public void A_wrong_signature_is_found_before_any_claim_is_read()
    {
        using var attacker = SigningKey.New(SignatureAlgorithm.ES256);
        HandMade.Verdict(HandMade.Token(attacker, HandMade.Header("ES256", TestKeys.Ec.KeyId), "not json"), TestKeys.All).ShouldBe("signature");
    }

    [Fact]
    public void No_problem_repeats_anything_of_the_token()
    {
        var marked = HandMade.GoodClaims();
        marked["iss"] = "MARK-iss";
        foreach (var text in new[]
        {
            HandMade.Token(TestKeys.Ec, marked), HandMade.Token(TestKeys.Ec, """{"alg":"MARK-alg","kid":"MARK-kid","typ":"MARK-typ"}""", "{}"),
            HandMade.Token(TestKeys.Ec, """{"alg":"ES256","kid":"MARK-kid"}""", "{}"), "MARK", "MARK.MARK.MARK",
        })
            Jwt.Verify(text, TestKeys.All, HandMade.Expected, HandMade.Now).Problem!.Message.ShouldNotContain("MARK");
    }

    [Fact]
    public void A_result_that_nobody_made_is_no_token()
    {
        default(JwtResult).TryGet(out var token, out var problem).ShouldBeFalse();
        token.ShouldBeNull();
        problem!.Code.ShouldBe(JwtProblem.Malformed);
    }

    [Fact]
    public void A_token_can_be_signed_while_the_claims_of_another_are_written_and_after_writing_failed()
    {
        Should.Throw<InvalidOperationException>(() => Jwt.Sign(TestKeys.Ec, "JWT", _ => throw new InvalidOperationException("no claims")));
        var inner = "";
        var outer = Jwt.Sign(TestKeys.Ec, "JWT", claims =>
        {
            claims.WriteString("iss", "outer");
            inner = Jwt.Sign(TestKeys.Rsa, "JWT", other => other.WriteString("iss", "inner"));
            claims.WriteNumber("exp", Now + 1);
        });

        Jws.TryRead(outer, out var jws, out _).ShouldBeTrue();
        jws!.Verify(TestKeys.All, SignatureAlgorithm.All, out var payload, out _).ShouldBeTrue();
        Encoding.UTF8.GetString(payload!).ShouldBe($$"""{"iss":"outer","exp":{{Now + 1}}}""");
        Jws.TryRead(inner, out jws, out _).ShouldBeTrue();
        jws!.Verify(TestKeys.All, SignatureAlgorithm.All, out payload, out _).ShouldBeTrue();
        Encoding.UTF8.GetString(payload!).ShouldBe("""{"iss":"inner"}""");
    }

    [Fact]
    public void Signing_allocates_little_more_than_the_token_itself()
    {
        var text = "";
        for (var i = 0; i < 50; i++) text = Make();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) text = Make();
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / 50;

        each.ShouldBeLessThan((2 * text.Length) + 600);

        static string Make() => Jwt.Sign(TestKeys.Ec, "at+jwt", Now, static (claims, now) =>
        {
            claims.WriteString("iss", "https://login.example");
            claims.WriteString("sub", "ada");
            claims.WriteNumber("exp", now);
        });
    }
}
