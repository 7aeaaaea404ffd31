using System.Text;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>The compact serialization: what we write, and what we take apart.</summary>
[Rfc("RFC 7515", "5.2")]
public sealed class JwsTests
{
    public static TheoryData<string> RefusedHeaders { get; } =
    [
        "", "null", "[]", "\"ES256\"", "{", "{}", """{"alg":null}""", """{"alg":1}""", """{"alg":["ES256"]}""", """{"typ":"JWT"}""", """{"ALG":"ES256"}""",
        """{"alg":"ES256","alg":"ES256"}""", """{"alg":"ES256","alg":"none"}""", """{"alg":"ES256","al\u0067":"none"}""", """{"alg":"ES256","x":{"a":1,"a":2}}""",
        """{"alg":"ES256","crit":["exp"]}""", """{"alg":"ES256","crit":[]}""", """{"alg":"ES256","crit":["b64"],"b64":false}""", """{"alg":"ES256","b64":false}""",
        """{"alg":"ES256","b64":true}""", """{"alg":"ES256","zip":"DEF"}""", """{"alg":"ES256","enc":"A128GCM"}""",
        """{"alg":"ES256","kid":1}""", """{"alg":"ES256","kid":["a"]}""", """{"alg":"ES256","kid":null}""", """{"alg":"ES256","typ":1}""",
        """{"alg":"ES256"} """ + "x", """{"alg":"ES256",}""", """{"alg":"ES256"/**/}""", """{"alg":"ES256","x":"\ud800"}""", """{"alg":"ES256","x":[[[[[[[[[1]]]]]]]]]}""",
    ];

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public void What_was_signed_is_read_back(string algorithm)
    {
        var key = TestKeys.For(algorithm);
        for (var length = 0; length < 70; length++)
        {
            var payload = Enumerable.Range(0, length).Select(i => (byte)(i * 7)).ToArray();
            var text = Jws.Sign(key, "at+jwt", payload);

            Jws.TryRead(text, out var jws, out _).ShouldBeTrue();
            (jws!.AlgorithmName, jws.KeyId, jws.Type).ShouldBe((algorithm, key.KeyId, "at+jwt"));
            jws.Verify(TestKeys.All, [key.Algorithm], out var read, out _).ShouldBeTrue();
            read.ShouldBe(payload);
            text.Split('.').Select(part => Base64UrlText.TryDecode(part, out _)).ShouldBe([true, true, true]);
        }
    }

    [Theory]
    [InlineData("at+jwt")]
    [InlineData("JWT")]
    [InlineData("dpop+jwt")]
    [Rfc("RFC 7515", "4.1")]
    public void The_header_is_alg_typ_and_kid_as_they_are_written_in_the_specifications(string typ)
    {
        var header = Jws.Sign(TestKeys.Ec, typ, "{}"u8).Split('.')[0];
        Base64UrlText.TryDecode(header, out var json).ShouldBeTrue();
        Encoding.UTF8.GetString(json!).ShouldBe($$"""{"alg":"ES256","typ":"{{typ}}","kid":"{{TestKeys.Ec.KeyId}}"}""");
    }

    [Theory]
    [Assertion("RS-10")]
    [Rfc("RFC 7515", "4.1.11")]
    [MemberData(nameof(RefusedHeaders))]
    public void A_header_that_is_malformed_or_asks_for_an_extension_is_refused(string header)
    {
        var text = HandMade.Token(TestKeys.Ec, header, "{}");
        Jws.TryRead(text, out var jws, out var problem).ShouldBeFalse();
        jws.ShouldBeNull();
        problem.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    [Rfc("RFC 8259", "8.2")]
    public void A_header_that_is_not_utf8_is_refused()
    {
        byte[] header = [.. """{"alg":"ES256","kid":"""u8, (byte)'"', 0xED, 0xA0, 0x80, .. "\"}"u8];
        Jws.TryRead($"{Base64UrlText.Encode(header)}.e30.AAAA", out _, out var problem).ShouldBeFalse();
        problem.ShouldBe("The token's header is not a JSON object without duplicate members.");
    }

    [Theory]
    [Assertion("RS-10")]
    [Rfc("RFC 7515", "7.1")]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("....")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AAAA.")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA.AAAA")]
    [InlineData(".e30.AAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9=.e30.AAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30=.AAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AAA=")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AA+A")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AA/A")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.A")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e31.AAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AB")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30. AAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AAAA\n")]
    [InlineData(" eyJhbGciOiJFUzI1NiJ9.e30.AAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AAAÀ")]
    [InlineData("Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA")]
    public void A_text_that_is_not_three_strict_parts_is_refused(string? text)
    {
        Jws.TryRead(text, out var jws, out var problem).ShouldBeFalse();
        jws.ShouldBeNull();
        problem.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    [Assertion("RS-11")]
    public void A_token_at_the_limit_is_read_and_one_beyond_it_is_not()
    {
        var text = Jws.Sign(TestKeys.Ec, "at+jwt", new byte[12_000]);
        text.Length.ShouldBeLessThanOrEqualTo(Jws.MaxLength);
        Jws.TryRead(text, out _, out _).ShouldBeTrue();
        Jws.TryRead(Jws.Sign(TestKeys.Ec, "at+jwt", new byte[12_300]), out _, out var problem).ShouldBeFalse();
        problem.ShouldBe("The token has more than 16384 characters.");
    }

    [Fact]
    [Assertion("RS-11")]
    public void Monstrous_texts_are_refused_before_they_cost_anything()
    {
        var deep = Base64UrlText.Encode(Encoding.ASCII.GetBytes($$"""{"alg":"ES256","x":{{new string('[', 5_000)}}{{new string(']', 5_000)}}}"""));
        foreach (var text in new[]
        {
            new string('.', 1_000_000), new string('A', 1_000_000), string.Concat(Enumerable.Repeat("AAAA.", 3_000)), $"{deep}.e30.AAAA",
            Jws.Sign(TestKeys.Ec, "at+jwt", new byte[1_000_000]),
        })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Jws.TryRead(text, out _, out _).ShouldBeFalse();
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(100_000);
        }
    }

    [Fact]
    [Assertion("RS-11")]
    public void Ten_thousand_unknown_names_of_keys_are_each_refused_by_name_alone()
    {
        for (var i = 0; i < 10_000; i++)
        {
            Jws.TryRead($"{Base64UrlText.Encode(Encoding.ASCII.GetBytes(HandMade.Header("ES256", $"kid-{i}")))}.e30.AAAA", out var jws, out _).ShouldBeTrue();
            jws!.Verify(TestKeys.All, SignatureAlgorithm.All, out _, out var problem).ShouldBeFalse();
            problem!.Code.ShouldBe(JwtProblem.UnknownKey);
        }
    }

    [Theory]
    [Assertion("RS-06")]
    [Rfc("RFC 8725", "3.1")]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData(" ES256")]
    [InlineData("es256")]
    [InlineData("HS256")]
    [InlineData("ES384")]
    [InlineData("EdDSA")]
    public void An_algorithm_off_the_list_is_refused_whatever_the_signature_is(string algorithm)
    {
        foreach (var signature in new[] { "", "AAAA", Base64UrlText.Encode(new byte[64]) })
        {
            var header = Base64UrlText.Encode(Encoding.UTF8.GetBytes(HandMade.Header(algorithm, TestKeys.Ec.KeyId)));
            Jws.TryRead($"{header}.e30.{signature}", out var jws, out _).ShouldBeTrue();
            jws!.Verify(TestKeys.All, SignatureAlgorithm.All, out var payload, out var problem).ShouldBeFalse();
            problem!.Code.ShouldBe(JwtProblem.Algorithm);
            payload.ShouldBeNull();
        }
    }

    [Fact]
    [Assertion("RS-06")]
    public void An_algorithm_that_the_caller_does_not_allow_is_refused_though_the_signature_is_good()
    {
        Jws.TryRead(Jws.Sign(TestKeys.Rsa, "JWT", "{}"u8), out var jws, out _).ShouldBeTrue();
        foreach (var allowed in new SignatureAlgorithm[][] { [], [SignatureAlgorithm.ES256], [SignatureAlgorithm.ES256, SignatureAlgorithm.PS256] })
        {
            jws!.Verify(TestKeys.All, allowed, out _, out var problem).ShouldBeFalse();
            problem!.Code.ShouldBe(JwtProblem.Algorithm);
        }
        jws!.Verify(TestKeys.All, [SignatureAlgorithm.RS256], out _, out _).ShouldBeTrue();
    }

    [Fact]
    public void A_token_without_a_kid_is_tried_with_every_key_that_fits()
    {
        var text = HandMade.Token(TestKeys.Ec, """{"alg":"ES256"}""", "{}");
        using var other = SigningKey.New(SignatureAlgorithm.ES256);

        Jws.TryRead(text, out var jws, out _).ShouldBeTrue();
        jws!.Verify(new JwkSet(other.PublicKey, TestKeys.Rsa.PublicKey, TestKeys.Ec.PublicKey), SignatureAlgorithm.All, out _, out _).ShouldBeTrue();
        jws.Verify(new JwkSet(other.PublicKey), SignatureAlgorithm.All, out _, out var problem).ShouldBeFalse();
        problem!.Code.ShouldBe(JwtProblem.Signature);
        jws.Verify(new JwkSet(), SignatureAlgorithm.All, out _, out problem).ShouldBeFalse();
        problem!.Code.ShouldBe(JwtProblem.UnknownKey);
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public void A_text_that_differs_in_one_character_is_never_accepted(string algorithm)
    {
        var random = new Random(7515);
        var good = Jws.Sign(TestKeys.For(algorithm), "at+jwt", """{"iss":"https://login.example","sub":"ada"}"""u8);
        const string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \n";
        for (var i = 0; i < 2_000; i++)
        {
            var at = random.Next(good.Length);
            var letter = letters[random.Next(letters.Length)];
            var spoilt = $"{good[..at]}{letter}{good[(at + 1)..]}";
            var accepted = Jws.TryRead(spoilt, out var jws, out _) && jws.Verify(TestKeys.All, SignatureAlgorithm.All, out _, out _);
            accepted.ShouldBe(spoilt == good, $"character {at} is {letter}");
        }
    }

    [Fact]
    public void Cut_and_mixed_texts_never_throw_and_are_never_accepted()
    {
        var random = new Random(7516);
        var good = Jws.Sign(TestKeys.Ec, "at+jwt", "{}"u8);
        var other = Jws.Sign(TestKeys.Ec, "at+jwt", """{"a":1}"""u8);
        for (var i = 0; i < 2_000; i++)
        {
            var text = good[..random.Next(good.Length)] + other[random.Next(other.Length)..];
            var accepted = Jws.TryRead(text, out var jws, out _) && jws.Verify(TestKeys.All, SignatureAlgorithm.All, out _, out _);
            accepted.ShouldBe(text == good || text == other);
        }
    }

    [Fact]
    public void A_text_that_was_taken_apart_prints_nothing_of_itself()
    {
        Jws.TryRead(Jws.Sign(TestKeys.Ec, "at+jwt", "{}"u8), out var jws, out _).ShouldBeTrue();
        $"{jws}".ShouldBe("UnverifiedJws");
    }
}
