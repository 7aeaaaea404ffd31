using System.Text;
using FsCheck.Fluent;
using ProofKey.Jose;
using ProofKey.Tests.Properties;

namespace ProofKey.Core.Tests.Jose;

/// <summary>The reader of proofs: whatever comes, it answers; and what was changed after signing is refused.</summary>
public sealed class DpopPropertyTests
{
    private static readonly DateTimeOffset Now = HandMade.Now;

    private static readonly DpopExpectations Expected = new() { Method = "POST", Address = "https://api.example/orders" };

    private static DpopResult Check(string? proof) => DpopProof.Check([proof], Expected, Now);

    [Fact]
    [Assertion("DP-01")]
    [Rfc("RFC 9449", "4.3")]
    public void A_proof_that_was_changed_anywhere_is_refused()
    {
        foreach (var key in (SigningKey[])[TestKeys.Ec, TestKeys.Rsa, TestKeys.Pss])
        {
            var proof = Dpop.Prove(key, "POST", new Uri(Expected.Address), Now);
            Check(proof).Error.ShouldBeNull();
            Property.Holds(Property.Mutated(proof, "=", ".", "A", "-", "_", "..", " ", "\n", ",", "%3d"), changed => (Check(changed).Proof is null).ShouldBe(changed != proof, changed), 1000);
        }
    }

    [Fact]
    [Assertion("DP-01")]
    public void Whatever_text_comes_is_answered_with_a_refusal_that_a_client_may_read()
    {
        var json = Property.TextOf(
            8, "{", "}", "[", "]", "\"alg\":", "\"ES256\"", "\"none\"", "\"typ\":\"dpop+jwt\"", "\"jwk\":", "{\"kty\":\"EC\"}", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", ",", "null", "1e999", "\"jti\":\"\\ud800\"", "\"",
            "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":1}}", "{\"iat\":1}", " ");
        var parts = Gen.OneOf(json.Select(text => Base64UrlText.Encode(Encoding.UTF8.GetBytes(text))), Property.Bytes(40).Select(bytes => Base64UrlText.Encode(bytes)), Property.AnyText(12));
        var proofs = Gen.OneOf(Gen.Choose(0, 5).SelectMany(count => parts.ArrayOf(count)).Select(all => string.Join('.', all)), Property.AnyText(60), Gen.Choose(1, 5000).Select(count => new string('.', count)));
        Property.Holds(proofs, proof => Check(proof).Error!.Code.ShouldBe("invalid_dpop_proof", proof), 3000);
    }

    [Fact]
    [Assertion("DP-01")]
    public void Whatever_a_good_key_signs_is_read_without_a_crash()
    {
        var values = Property.TextOf(3, "null", "1", "-1", "1e308", "\"\"", "\"POST\"", "\"https://api.example/orders\"", "\"http://[\"", "\"\\ud800\"", "[]", "{}", "true");
        var claims = Gen.Elements("jti", "htm", "htu", "iat", "ath", "nonce", "exp", "nbf").SelectMany(name => values.Select(value => $"\"{name}\":{value}"));
        var header = Encoding.UTF8.GetString(HeaderOf(Dpop.Prove(TestKeys.Ec, "POST", new Uri(Expected.Address), Now)));
        Property.Holds(Gen.Choose(0, 8).SelectMany(count => claims.ArrayOf(count)), all =>
        {
            var proof = HandMade.Token(header, "{" + string.Join(',', all) + "}", data => TestKeys.Ec.Sign(data));
            Check(proof).Error!.Code.ShouldBe("invalid_dpop_proof");
        }, 1000);
    }

    private static byte[] HeaderOf(string proof) => Base64UrlText.TryDecode(proof.Split('.')[0], out var bytes) ? bytes : [];
}
