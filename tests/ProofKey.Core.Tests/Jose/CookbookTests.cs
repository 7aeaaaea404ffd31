using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>The JOSE cookbook: its RS256 example is accepted, every other kind of signature and key refused for a reason.</summary>
[Rfc("RFC 7520", "4")]
public sealed class CookbookTests
{
    [Fact]
    [Rfc("RFC 7520", "4.1")]
    public void The_rs256_example_is_accepted_without_a_typ()
    {
        var vector = VectorFile.Read("cookbook/jws/4_1.rsa_v15_signature.json");
        var keys = HandMade.Parse(HandMade.SetOf(JsonNode.Parse(VectorFile.Read("cookbook/jwk/3_3.rsa_public_key.json").GetRawText())));

        Jws.TryRead(Compact(vector), out var jws, out _).ShouldBeTrue();
        jws!.Type.ShouldBeNull();
        jws.KeyId.ShouldBe("bilbo.baggins@hobbiton.example");
        jws.Verify(keys, [SignatureAlgorithm.RS256], out var payload, out _).ShouldBeTrue();
        Encoding.UTF8.GetString(payload!).ShouldBe(vector.GetProperty("input").GetProperty("payload").GetString());
    }

    [Fact]
    [Rfc("RFC 7520", "4.1")]
    public void The_rs256_example_is_made_again_to_the_byte()
    {
        var vector = VectorFile.Read("cookbook/jws/4_1.rsa_v15_signature.json");
        using var rsa = System.Security.Cryptography.RSA.Create(Private(VectorFile.Read("cookbook/jwk/3_4.rsa_private_key.json")));
        using var key = SigningKey.FromPkcs8(SignatureAlgorithm.RS256, rsa.ExportPkcs8PrivateKey());

        var signature = key.Sign(Encoding.ASCII.GetBytes(vector.GetProperty("signing").GetProperty("sig-input").GetString()!));

        Base64UrlText.Encode(signature).ShouldBe(vector.GetProperty("signing").GetProperty("sig").GetString());
    }

    [Theory]
    [Rfc("RFC 7520", "4.2")]
    [Rfc("RFC 7520", "4.3")]
    [Rfc("RFC 7520", "4.4")]
    [InlineData("4_2.rsa-pss_signature", "PS384")]
    [InlineData("4_3.ecdsa_signature", "ES512")]
    [InlineData("4_4.hmac-sha2_integrity_protection", "HS256")]
    public void An_algorithm_that_is_not_ours_is_refused_before_a_key_is_looked_for(string file, string algorithm)
    {
        Jws.TryRead(Compact(VectorFile.Read($"cookbook/jws/{file}.json")), out var jws, out _).ShouldBeTrue();

        jws!.AlgorithmName.ShouldBe(algorithm);
        jws.Verify(TestKeys.All, SignatureAlgorithm.All, out var payload, out var problem).ShouldBeFalse();
        problem!.Code.ShouldBe(JwtProblem.Algorithm);
        payload.ShouldBeNull();
    }

    [Theory]
    [Assertion("RS-10")]
    [InlineData("4_1.rsa_v15_signature", "json")]
    [InlineData("4_1.rsa_v15_signature", "json_flat")]
    [InlineData("4_6.protecting_specific_header_fields", "json")]
    [InlineData("4_6.protecting_specific_header_fields", "json_flat")]
    [InlineData("4_7.protecting_content_only", "json")]
    [InlineData("4_7.protecting_content_only", "json_flat")]
    [InlineData("4_8.multiple_signatures", "json")]
    public void The_json_serialization_is_refused(string file, string form)
    {
        var json = VectorFile.Read($"cookbook/jws/{file}.json").GetProperty("output").GetProperty(form).GetRawText();

        Jws.TryRead(json, out _, out var problem).ShouldBeFalse();
        problem.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("3_1.ec_public_key", "P-256")]
    [InlineData("3_2.ec_private_key", "private")]
    [InlineData("3_4.rsa_private_key", "private")]
    [InlineData("3_5.symmetric_key_mac_computation", "symmetric")]
    [InlineData("3_6.symmetric_key_encryption", "symmetric")]
    public void A_key_that_is_not_ours_or_not_public_is_refused(string file, string reason)
    {
        Jwk.TryParse(VectorFile.Read($"cookbook/jwk/{file}.json"), out var key, out var problem).ShouldBeFalse();
        key.ShouldBeNull();
        problem!.ShouldContain(reason);
    }

    private static string Compact(JsonElement vector) => vector.GetProperty("output").GetProperty("compact").GetString()!;

    private static System.Security.Cryptography.RSAParameters Private(JsonElement key)
    {
        byte[] Bytes(string name) => Base64UrlText.TryDecode(key.GetProperty(name).GetString(), out var bytes) ? bytes : [];
        return new()
        {
            Modulus = Bytes("n"),
            Exponent = Bytes("e"),
            D = Bytes("d"),
            P = Bytes("p"),
            Q = Bytes("q"),
            DP = Bytes("dp"),
            DQ = Bytes("dq"),
            InverseQ = Bytes("qi"),
        };
    }
}
