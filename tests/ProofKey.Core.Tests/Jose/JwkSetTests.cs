using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>Key sets from strangers, and ours.</summary>
[Rfc("RFC 7517", "5")]
public sealed class JwkSetTests
{
    public static TheoryData<string> NotSets { get; } =
    [
        "", " ", "null", "[]", "1", "{", "{}", """{"keys":null}""", """{"keys":{}}""", """{"keys":"x"}""", """{"Keys":[]}""",
        """{"keys":[],"keys":[]}""", """{"keys":[],"k\u0065ys":[]}""", """{"keys":[{"kty":"EC","kty":"RSA"}]}""", """{"keys":[{"kty":"EC","k\u0074y":"RSA"}]}""",
        """{"keys":[]} x""", """{"keys":[],}""", """{"keys":[]/**/}""", "{'keys':[]}", """{"keys":[{"kid":"\ud800"}]}""", """{"keys":[{"\udc00":1}]}""",
    ];

    private static readonly string[] ForbiddenMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5u"];

    [Fact]
    [Assertion("MD-07")]
    public void The_published_set_has_no_private_member_and_says_what_each_key_is_for()
    {
        var json = JsonNode.Parse(TestKeys.All.ToJson())!;
        var keys = json["keys"]!.AsArray();

        json.AsObject().Select(member => member.Key).ShouldBe(["keys"]);
        keys.Count.ShouldBe(3);
        foreach (var key in keys.Select(key => key!.AsObject()))
        {
            key.Select(member => member.Key).Intersect(ForbiddenMembers).ShouldBeEmpty();
            key["use"]!.GetValue<string>().ShouldBe("sig");
            key["kty"]!.GetValue<string>().ShouldNotBe("oct");
        }
        keys.Select(key => key!["alg"]!.GetValue<string>()).ShouldBe(["ES256", "RS256", "PS256"]);
        keys.Select(key => key!["kid"]!.GetValue<string>()).Distinct().Count().ShouldBe(3);
        keys[0]!["crv"]!.GetValue<string>().ShouldBe("P-256");
    }

    [Fact]
    public void A_set_survives_being_written_and_read()
    {
        var set = HandMade.Parse(TestKeys.All.ToJson());
        set.Keys.Select(key => key.KeyId).ShouldBe(TestKeys.All.Keys.Select(key => key.KeyId));
        set.ToJson().ShouldBe(TestKeys.All.ToJson());
    }

    [Theory]
    [Assertion("MD-12")]
    [MemberData(nameof(NotSets))]
    public void What_is_not_a_key_set_is_refused(string json)
    {
        JwkSet.TryParse(Encoding.UTF8.GetBytes(json), out var set, out var problem).ShouldBeFalse();
        set.ShouldBeNull();
        problem.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    [Assertion("MD-12")]
    public void A_set_beyond_a_limit_is_refused()
    {
        var key = HandMade.Json(TestKeys.Ec.PublicKey);
        Problem(HandMade.SetOf([.. Enumerable.Repeat(key, 51)])).ShouldBe("The key set has more than 50 keys.");
        HandMade.Parse(HandMade.SetOf([.. Enumerable.Repeat(key, 50)])).Keys.Count.ShouldBe(50);

        var padded = Encoding.UTF8.GetString(TestKeys.All.ToJson()).PadRight(JwkSet.MaxLength);
        HandMade.Parse(Encoding.UTF8.GetBytes(padded)).Keys.Count.ShouldBe(3);
        Problem(Encoding.UTF8.GetBytes(padded + " ")).ShouldBe("The key set has more than 65536 bytes.");
        Problem(new byte[5_000_000]).ShouldBe("The key set has more than 65536 bytes.");

        var deep = $$"""{"keys":[],"x":{{new string('[', 30_000)}}{{new string(']', 30_000)}}}""";
        Problem(Encoding.UTF8.GetBytes(deep)).ShouldBe("The key set is not a JSON object without duplicate members.");
    }

    [Fact]
    [Assertion("MD-12")]
    public void Bytes_that_are_not_utf8_are_refused()
    {
        byte[] json = [.. """{"keys":[{"kty":"EC","kid":"""u8, (byte)'"', 0xC0, 0xAF, (byte)'"', .. "}]}"u8];
        Problem(json).ShouldBe("The key set is not a JSON object without duplicate members.");
        Problem([0xEF, 0xBB, 0xBF, .. TestKeys.All.ToJson()]).ShouldNotBeEmpty();
    }

    [Fact]
    public void Keys_that_we_do_not_use_are_left_out_and_the_others_kept()
    {
        var weak = HandMade.Json(TestKeys.Rsa.PublicKey);
        weak["e"] = "AQ";
        var other = HandMade.Json(TestKeys.Rsa.PublicKey);
        other["alg"] = "RS512";

        var set = HandMade.Parse(HandMade.SetOf(
            JsonNode.Parse("""{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"""),
            JsonNode.Parse("""{"kty":"oct","alg":"HS256","k":"AAAA"}"""),
            JsonNode.Parse("""{"kty":"new"}"""),
            JsonNode.Parse("1"),
            null,
            weak,
            other,
            HandMade.Json(TestKeys.Ec.PublicKey)));

        set.Keys.ShouldHaveSingleItem().KeyId.ShouldBe(TestKeys.Ec.KeyId);
    }

    [Theory]
    [Assertion("MD-07")]
    [InlineData("d")]
    [InlineData("p")]
    [InlineData("qi")]
    public void A_set_that_gives_away_a_private_key_is_refused_as_a_whole(string member)
    {
        var leaked = HandMade.Json(TestKeys.Rsa.PublicKey);
        leaked[member] = "AAAA";
        Problem(HandMade.SetOf(HandMade.Json(TestKeys.Ec.PublicKey), leaked)).ShouldBe("The key set gives away a private key: whoever reads it can sign.");
    }

    [Fact]
    public void A_key_is_found_by_name_and_algorithm_and_keys_of_one_name_are_all_candidates()
    {
        using var second = SigningKey.New(SignatureAlgorithm.ES256);
        var twin = HandMade.Json(second.PublicKey);
        twin["kid"] = TestKeys.Ec.KeyId;
        var set = HandMade.Parse(HandMade.SetOf(HandMade.Json(TestKeys.Ec.PublicKey), HandMade.Json(TestKeys.Rsa.PublicKey), twin));

        set.Find(TestKeys.Ec.KeyId, SignatureAlgorithm.ES256).Count.ShouldBe(2);
        set.Find(TestKeys.Ec.KeyId, SignatureAlgorithm.RS256).ShouldBeEmpty();
        set.Find(null, SignatureAlgorithm.ES256).Count.ShouldBe(2);
        set.Find(null, SignatureAlgorithm.PS256).ShouldBeEmpty();
        set.Find("", SignatureAlgorithm.ES256).ShouldBeEmpty();
        set.Find("../../etc/passwd", SignatureAlgorithm.ES256).ShouldBeEmpty();
        HandMade.Verdict(HandMade.Token(second, HandMade.Header("ES256", TestKeys.Ec.KeyId), HandMade.GoodClaims().ToJsonString()), set).ShouldBe("accepted");
    }

    [Fact]
    [Assertion("MD-12")]
    public void A_spoilt_set_never_throws()
    {
        var random = new Random(7517);
        var good = TestKeys.All.ToJson();
        for (var i = 0; i < 3_000; i++)
        {
            var spoilt = (byte[])good.Clone();
            for (var flips = random.Next(1, 4); flips > 0; flips--) spoilt[random.Next(spoilt.Length)] = (byte)random.Next(256);
            var parsed = JwkSet.TryParse(spoilt.AsSpan(0, random.Next(4) == 0 ? random.Next(spoilt.Length) : spoilt.Length), out var set, out var problem);
            (set is not null).ShouldBe(parsed);
            (problem is null).ShouldBe(parsed);
        }
    }

    private static string Problem(byte[] json)
    {
        JwkSet.TryParse(json, out _, out var problem).ShouldBeFalse();
        return problem!;
    }
}
